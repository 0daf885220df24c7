import { SharedValue, ThreadPool } from 'manycore';
import { eventually, testClean } from '../matrix.ts';

// What the host has once and for all.
new SharedValue('i32').value = 1;

testClean(
  'doorbell: a thread that is ended while it makes its own leaves no descriptor',
  { limit: 60_000 },
  async () => {
    const pool = new ThreadPool(1);
    const state = new Int32Array(new SharedArrayBuffer(4));
    const lost = pool.apply(
      async (url: string, at: Int32Array) => {
        const { requireNative } = (await import(url)) as {
          requireNative: (what: string) => { pipe: () => [number, number] };
        };
        const native = requireNative('This test');
        const { pipe } = native;
        native.pipe = () => {
          const pair = pipe();
          // Until it is terminated, if it can be.
          Atomics.store(at, 0, 1);
          Atomics.wait(at, 0, 1, 500);
          return pair;
        };
        const { SharedValue: Made } = await import('manycore');
        return new Made('i32').value;
      },
      [import.meta.resolve('#internal/native.js'), state],
    );
    const ended = lost.catch(() => undefined);
    await eventually(() => Atomics.load(state, 0) === 1, 50_000);
    await pool.terminate();
    await ended;
  },
);
