import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SerializationError, WorkerLostError } from 'manycore';
import { processes, scenario, threads, until } from './support.ts';

type Crash = 'error' | 'exit' | 'reallyExit' | 'signal';

/** Ends the worker, or throws, in its way. */
function crash(how: Crash): never {
  if (how === 'error') throw new RangeError('crash');
  if (how === 'exit') process.exit(0);
  if (how === 'reallyExit') (process as unknown as { reallyExit(code: number): never }).reallyExit(0);
  process.kill(process.pid, 'SIGSEGV');
  for (;;);
}

class Trap {
  readonly #how: Crash;

  constructor(how: Crash) {
    this.#how = how;
  }

  get x(): never {
    return crash(this.#how);
  }
}

const crashes: readonly Crash[] = ['error', 'exit', 'reallyExit', 'signal'];
for (const how of crashes) {
  const contexts = how === 'signal' ? { contexts: processes } : {};

  scenario(`${how} in the task (A12)`, contexts, async ({ submit }) => {
    const error = await submit(crash, [how]).error();
    if (how === 'error') assert.ok(error instanceof RangeError);
    else assert.ok(error instanceof WorkerLostError);
  });

  scenario(`${how} while the result is written (A12)`, contexts, async ({ submit }) => {
    const error = await submit(
      (way) => ({
        get trap(): never {
          return crash(way);
        },
      }),
      [how],
    ).error();
    if (how === 'error') assert.ok(error instanceof SerializationError);
    else assert.ok(error instanceof WorkerLostError);
  });

  scenario(`${how} while the arguments are used (A12)`, contexts, async ({ submit }) => {
    const error = await submit((trap) => trap.x, [new Trap(how)]).error();
    if (how === 'error') assert.ok(error instanceof RangeError);
    else assert.ok(error instanceof WorkerLostError);
  });
}

for (const how of ['exit', 'signal'] as const) {
  scenario(
    `${how} in the worker's garbage collection: the result stands (A12)`,
    { workers: 1, ...(how === 'signal' ? { contexts: processes } : {}) },
    async ({ pool, submit }) => {
      const exits: unknown[] = [];
      pool.on('workerExit', (worker) => exits.push(worker));
      const { result } = submit(
        (way) => {
          const registry = new FinalizationRegistry(() => crash(way));
          registry.register({}, 0);
          Object.assign(globalThis, { kept: registry });
          setTimeout(() => {
            setFlagsFromString('--expose-gc');
            runInNewContext('gc')();
          }, 20);
          return 'done';
        },
        [how],
      );
      assert.equal(await result, 'done');
      await until('the worker has crashed', () => exits.length === 1);
    },
  );
}

scenario('garbage on parentPort touches nothing of ours (H1)', {}, async ({ submit, context }) => {
  const { result } = submit(
    async (isThread) => {
      const { parentPort } = await import('node:worker_threads');
      for (const junk of [null, { garbage: 1 }, 'x', [1, 2, 3]]) if (isThread) parentPort?.postMessage(junk);
      return typeof process.send;
    },
    [context === 'thread'],
  );
  assert.equal(await result, 'undefined');
});

const readsAll = Number(process.versions.node.split('.')[0]) >= 22;

for (const what of ['an error that is its own cause', 'nothing', 'no frame'] as const) {
  const skip = what.startsWith('an error') && readsAll && 'this version of Node can read that';
  scenario(
    `a thread that sends ${what} is ended, its task told (H8)`,
    { contexts: threads, skip },
    async ({ submit }) => {
      const { error } = submit(
        (kind) => {
          const { workerData } = process.getBuiltinModule('node:worker_threads') as {
            workerData: { manycore: { port: { postMessage(message: unknown): void } } };
          };
          // Node 20 writes such an error and cannot read it.
          const unreadable = new Error('its own cause');
          unreadable.cause = unreadable;
          const messages = { 'an error that is its own cause': unreadable, nothing: null, 'no frame': [1, 'body', []] };
          workerData.manycore.port.postMessage(messages[kind]);
          return new Promise(() => undefined);
        },
        [what],
      );
      const lost = await error();
      assert.ok(lost instanceof WorkerLostError, lost.stack);
      assert.equal((lost.cause as Error).name, 'ProtocolError');
      assert.equal(await submit((x) => x + 1, [1]).result, 2);
    },
  );
}
