import assert from 'node:assert/strict';
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { task, WorkerLostError } from 'manycore';
import { allUp, isAlive, pidOf, processes, scenario, until } from './support.ts';

const P = { contexts: processes };

scenario(
  'a worker that closes its channel and goes on is ended (C17)',
  { ...P, workers: 1 },
  async ({ pool, submit }) => {
    await allUp(pool, 1);
    const pid = pidOf(pool);
    const error = await submit(() => {
      closeSync(4);
      for (;;);
    }, []).error();
    assert.ok(error instanceof WorkerLostError, error.stack);
    await until('it is gone', () => !isAlive(pid));
  },
);

scenario('a worker that writes nonsense on its channel is ended, the host is not (H3)', P, async ({ submit }) => {
  for (const bytes of [Buffer.from('nonsense on the wire, and more of it'), Buffer.alloc(64, 0xff), Buffer.alloc(64)]) {
    const error = await submit(
      (data) => {
        writeSync(4, data);
        for (;;);
      },
      [bytes],
    ).error();
    assert.ok(error instanceof WorkerLostError, error.stack);
    assert.equal((error.cause as Error).name, 'ProtocolError', error.stack);
  }
});

scenario(
  'a worker that begins a message and never ends it holds up nobody, and ends at its timeout (H4)',
  P,
  async ({ submit }) => {
    const never = submit(
      () => {
        // Half of the head of a frame.
        writeSync(4, Buffer.from('6d', 'hex'));
        for (;;);
      },
      [],
      { timeout: 500 },
    );
    assert.equal(await submit((x) => x * 2, [21]).result, 42);
    assert.equal((await never.error()).name, 'TaskTimeoutError');
  },
);

scenario(
  'a worker whose writes are short, or refused for a moment, loses nothing of its results (G22)',
  { ...P, workers: 1 },
  async ({ submit }) => {
    const strings = await submit(() => {
      const fs = process.getBuiltinModule('node:fs');
      const write = fs.writeSync as (...args: unknown[]) => number;
      let calls = 0;
      fs.writeSync = ((fd: number, bytes: Uint8Array, at = 0, length = bytes.length - at, ...rest: unknown[]) => {
        Object.assign(globalThis, { calls: ++calls });
        if (calls % 3 === 0) throw Object.assign(new Error('not now'), { code: 'EAGAIN' });
        return write(fd, bytes, at, Math.min(length, 1_000), ...rest);
      }) as unknown as typeof fs.writeSync;
      process.getBuiltinModule('node:module').syncBuiltinESMExports();
      return Array.from({ length: 20_000 }, (_, i) => `string ${i}`);
    }, []).result;
    assert.deepEqual(
      strings,
      Array.from({ length: 20_000 }, (_, i) => `string ${i}`),
    );
    const bytes = await submit(() => new Uint8Array(300_000).fill(7), []).result;
    assert.ok(bytes.length === 300_000 && bytes.every((byte) => byte === 7));
    assert.ok((await submit(() => Reflect.get(globalThis, 'calls') as number, []).result) > 100);
  },
);

scenario(
  'SIGKILL in the middle of writing a large result: only that task is lost (C5)',
  P,
  async ({ pool, submit }) => {
    await allUp(pool, 2);
    const large = submit(() => {
      const { spawn } = process.getBuiltinModule('node:child_process');
      // Out of the worker's group, and later than the result, which nobody reads meanwhile.
      spawn('sh', ['-c', `sleep 0.3; kill -9 ${process.pid}`], { detached: true, stdio: 'ignore' }).unref();
      return Array.from({ length: 2_000_000 }, (_, i) => `item ${i}`);
    }, []);
    const others = [1, 2, 3].map((x) => submit((y) => y * 2, [x]).result);
    await until('it runs', () => pool.statistics().workers.some(({ pid }) => childrenOf(pid!).length > 0));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
    const error = await large.error();
    assert.ok(error instanceof WorkerLostError, error.stack);
    assert.equal(error.signal, 'SIGKILL');
    assert.deepEqual(await Promise.all(others), [2, 4, 6]);
    await allUp(pool, 2);
  },
);

function childrenOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
  } catch {
    return [];
  }
}
