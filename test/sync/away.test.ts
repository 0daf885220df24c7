import { strict as assert } from 'node:assert';
import { Lock, Semaphore, SharedEvent } from 'manycore';
import { eachContext, testPool } from '../matrix.ts';
import './support.ts';

const makers = { Lock: () => new Lock(), Semaphore: () => new Semaphore(1) };
const cases = [
  { though: 'one was woken for it', isHeir: false, blocks: false },
  { though: 'it is kept for one', isHeir: true, blocks: false },
  { though: 'it is kept for one', isHeir: true, blocks: true },
];

eachContext((context) => {
  for (const [name, make] of Object.entries(makers)) {
    for (const { though, isHeir, blocks } of cases) {
      const other = blocks ? 'blocks' : 'awaits';
      testPool(
        `${name}: free, though ${though} whose event loop is busy, another one that ${other} has it`,
        { context, workers: 1 },
        async (pool) => {
          const shared = make();
          const [waits, go] = [new SharedEvent(), new SharedEvent()];
          const held = await shared.acquire();
          const away = pool.apply(
            async (its: Lock | Semaphore, itWaits: SharedEvent, mayGo: SharedEvent, becomesHeir: boolean) => {
              const wait = its.acquire();
              // Who looks after a millisecond of waiting becomes the heir, and a timeout has it look.
              if (becomesHeir) await its.acquire({ timeout: 20 });
              itWaits.set();
              mayGo.waitSync();
              (await wait).release();
              return 'had it as well';
            },
            [shared, waits, go, isHeir],
          );
          await waits.wait();
          const awaited = blocks ? undefined : shared.acquire();
          held.release();
          (blocks ? shared.acquireSync() : await awaited!).release();
          go.set();
          assert.equal(await away, 'had it as well');
        },
      );
    }
  }
});
