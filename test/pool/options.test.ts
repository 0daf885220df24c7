import assert from 'node:assert/strict';
import { ArgumentRangeError, ArgumentTypeError, Pool, ThreadPool } from 'manycore';
import { contexts, eachContext, testClean, testPool } from '../matrix.ts';

/** Options as a program without types might give them. */
type Loose = Record<string, unknown>;
const call = (pool: Pool, method: keyof Pool, ...args: unknown[]): unknown =>
  Reflect.apply(pool[method] as () => unknown, pool, args);
const make = (...args: unknown[]): Pool => Reflect.construct(Pool, args) as Pool;

type Refusal = readonly [options: Loose, error: typeof ArgumentTypeError | typeof ArgumentRangeError, message: RegExp];

const poolRefusals: readonly Refusal[] = [
  [{ workers: -1 }, ArgumentRangeError, /workers -1.*from 0 to/],
  [{ workers: Number.NaN }, ArgumentRangeError, /workers NaN/],
  [{ workers: 1.5 }, ArgumentRangeError, /workers 1\.5.*whole number/],
  [{ workers: 1e9 }, ArgumentRangeError, /workers 1000000000.*from 0 to 1024/],
  [{ workers: '4' }, ArgumentTypeError, /workers "4".*number/],
  [{ workers: null }, ArgumentTypeError, /workers null/],
  [{ min: -1 }, ArgumentRangeError, /min -1/],
  [{ max: 0 }, ArgumentRangeError, /max 0.*from 1/],
  [{ min: 5, max: 2 }, ArgumentRangeError, /min 5 above max 2/],
  [{ workers: 2, max: 4 }, ArgumentTypeError, /workers and min or max.*either a size or a range/],
  [{ context: 'fork' }, ArgumentRangeError, /"fork".*'process' or 'thread'.*cannot fork/],
  [{ context: 'threads' }, ArgumentRangeError, /"threads".*'process' or 'thread'/],
  [{ initializer: 'init' }, ArgumentTypeError, /"init" as initializer.*function/],
  [{ initializer: () => 0, initArgs: 7 }, ArgumentTypeError, /initArgs 7.*list/],
  [{ maxTasksPerChild: 0 }, ArgumentRangeError, /maxTasksPerChild 0.*at least 1/],
  [{ maxTasksPerChild: -1 }, ArgumentRangeError, /maxTasksPerChild -1/],
  [{ maxTasksPerChild: 0.5 }, ArgumentRangeError, /maxTasksPerChild 0\.5/],
  [{ maxTasksPerChild: '12' }, ArgumentTypeError, /maxTasksPerChild "12"/],
  [{ concurrency: 0 }, ArgumentRangeError, /concurrency 0/],
  [{ maxMemoryPerWorker: '1GB' }, ArgumentTypeError, /maxMemoryPerWorker "1GB"/],
  [{ idleTimeout: -1 }, ArgumentRangeError, /idleTimeout -1.*milliseconds/],
  [{ bootTimeout: Number.NaN }, ArgumentRangeError, /bootTimeout NaN/],
  [{ bootTimeout: '5s' }, ArgumentTypeError, /bootTimeout "5s".*milliseconds/],
  [{ restart: { intensity: -1 } }, ArgumentRangeError, /restart\.intensity -1/],
  [{ restart: { retries: 3 } }, ArgumentTypeError, /"retries" of restart/],
  [{ restart: 3 }, ArgumentTypeError, /3 as options of restart/],
  [{ name: 7 }, ArgumentTypeError, /name 7.*string/],
  [{ env: 'PATH' }, ArgumentTypeError, /env "PATH"/],
];

const misspelt: readonly (readonly [string, string])[] = [
  ['maxtasksperchild', 'maxTasksPerChild'],
  ['max_tasks_per_child', 'maxTasksPerChild'],
  ['maxTaskPerChild', 'maxTasksPerChild'],
  ['initargs', 'initArgs'],
  ['initArg', 'initArgs'],
  ['processes', 'workers'],
  ['max_workers', 'workers'],
  ['maxWorkers', 'workers'],
  ['mp_context', 'context'],
  ['worker', 'workers'],
  ['maxThreads', 'max'],
];

const callRefusals: readonly Refusal[] = [
  [{ timeout: -1 }, ArgumentRangeError, /timeout -1.*milliseconds/],
  [{ timeout: Number.NaN }, ArgumentRangeError, /timeout NaN/],
  [{ timeout: '5' }, ArgumentTypeError, /timeout "5".*milliseconds/],
  [{ signal: {} }, ArgumentTypeError, /signal an object.*AbortSignal/],
  [{ signal: new AbortController() }, ArgumentTypeError, /signal.*AbortSignal/],
  [{ retries: -1 }, ArgumentRangeError, /retries -1/],
  [{ retries: '2' }, ArgumentTypeError, /retries "2"/],
  [{ retries: {} }, ArgumentTypeError, /retries\.limit undefined/],
  [{ retries: { limit: -1 } }, ArgumentRangeError, /retries\.limit -1/],
  [{ retries: { limit: 1, delay: -1 } }, ArgumentRangeError, /retries\.delay -1/],
  [{ retries: { limit: 1, backoffLimit: '1' } }, ArgumentTypeError, /retries\.backoffLimit "1"/],
  [{ retries: { limit: 1, shouldRetry: true } }, ArgumentTypeError, /true as retries\.shouldRetry/],
  [{ retries: { limit: 1, when: true } }, ArgumentTypeError, /"when" of retries/],
  [{ grace: -1 }, ArgumentRangeError, /grace -1/],
  [{ queueTimeout: '1' }, ArgumentTypeError, /queueTimeout "1"/],
  [{ priority: Number.NaN }, ArgumentTypeError, /priority NaN.*finite/],
  [{ name: 7 }, ArgumentTypeError, /name 7/],
  [{ time_out: 1 }, ArgumentTypeError, /"time_out" of \w+\. Did you mean "timeout"\?/],
  [{ timeoutMs: 1 }, ArgumentTypeError, /"timeoutMs" of \w+\. Did you mean "timeout"\?/],
  [{ wibbleWobble: 1 }, ArgumentTypeError, /Unknown option "wibbleWobble" of \w+\. It takes timeout, signal/],
];

const mapRefusals: readonly Refusal[] = [
  [{ chunkSize: 0 }, ArgumentRangeError, /chunkSize 0.*at least 1/],
  [{ chunkSize: -1 }, ArgumentRangeError, /chunkSize -1/],
  [{ chunkSize: Number.NaN }, ArgumentRangeError, /chunkSize NaN/],
  [{ chunksize: 4 }, ArgumentTypeError, /"chunksize" of \w+\. Did you mean "chunkSize"\?/],
  [{ chunk_size: 4 }, ArgumentTypeError, /Did you mean "chunkSize"\?/],
  [{ onError: 'ignore' }, ArgumentRangeError, /onError "ignore".*'throw' or 'continue'/],
  [{ progress: 7 }, ArgumentTypeError, /progress/],
];

function assertRefused(
  act: () => unknown,
  error: typeof ArgumentTypeError | typeof ArgumentRangeError,
  message: RegExp,
): void {
  assert.throws(act, (thrown: unknown) => {
    assert.ok(thrown instanceof error, String(thrown));
    assert.ok(thrown instanceof (error === ArgumentTypeError ? TypeError : RangeError));
    assert.match(thrown.message, message);
    return true;
  });
}

testClean(
  'options: each wrong option of a pool is refused by its name, and nothing is started (L285, L289, L294, B9)',
  {},
  () => {
    for (const context of contexts) {
      for (const [options, error, message] of poolRefusals)
        assertRefused(() => make({ context, ...options }), error, message);
      for (const [wrong, right] of misspelt) {
        const message = new RegExp(`"${wrong}" of Pool\\. Did you mean "${right}"\\?`);
        assertRefused(() => make({ context, [wrong]: 1 }), ArgumentTypeError, message);
      }
    }
  },
);

testClean('options: a wrong first argument of a pool is refused (L285, S443, W527)', {}, () => {
  for (const size of [0, -1, -2, Number.NaN, 2.5, Infinity, 1e9]) {
    assertRefused(() => make(size), ArgumentRangeError, /workers .*from 1 to 1024/);
    assertRefused(() => Reflect.construct(ThreadPool, [size]) as unknown, ArgumentRangeError, /workers/);
  }
  assertRefused(() => make('4'), ArgumentTypeError, /"4".*number of workers or options/);
  assertRefused(() => make(null), ArgumentTypeError, /null/);
  assertRefused(() => make([4]), ArgumentTypeError, /an array/);
  assertRefused(() => make(2, () => 0), ArgumentTypeError, /options of Pool/);
  assertRefused(() => make(2, { workers: 3 }), ArgumentTypeError, /workers/);
  assertRefused(() => make(2, { min: 1 }), ArgumentTypeError, /workers and min or max/);
});

eachContext((context) => {
  testPool(
    'options: each wrong option of a call is refused at the call (J253, B9)',
    { context, workers: 1 },
    async (pool) => {
      const id = (x: unknown): unknown => x;
      const single = ['apply', 'applyAsync', 'broadcast'] as const;
      const many = ['map', 'mapAsync', 'mapSettled', 'imap', 'imapUnordered'] as const;
      for (const [options, error, message] of callRefusals) {
        for (const method of single) assertRefused(() => call(pool, method, id, [1], options), error, message);
        for (const method of many) assertRefused(() => call(pool, method, id, [1], options), error, message);
        assertRefused(() => pool.starmap(id, [[1]], options), error, message);
      }
      for (const [options, error, message] of mapRefusals) {
        for (const method of many) assertRefused(() => call(pool, method, id, [1], options), error, message);
        assertRefused(() => pool.starmapAsync(id, [[1]], options), error, message);
      }
      assertRefused(() => pool.apply(id, [1], { chunkSize: 1 } as object), ArgumentTypeError, /"chunkSize" of apply/);
      assertRefused(
        () => pool.map(id, [1], 20 as never),
        ArgumentTypeError,
        /20 as options of map.*such as \{ chunkSize: 20 \}/,
      );
      assertRefused(
        () => pool.map(id, [1], { error_callback: id } as object),
        ArgumentTypeError,
        /Did you mean "errorCallback"/,
      );
      const keywords =
        / apply\. It takes timeout, .*\. Keyword arguments are an object in the list of arguments, such as \[\{ x: 1 \}\]\./;
      assertRefused(() => pool.apply(id, [1], { x: 2 } as object), ArgumentTypeError, keywords);
      const callbacks = /"callback" of apply\. .* For callbacks there is applyAsync\.$/;
      assertRefused(() => pool.apply(id, [1], { callback: id } as object), ArgumentTypeError, callbacks);
      const unawaited = /^Cannot map over a Promise: await it first\.$/;
      assertRefused(() => pool.map(id, Promise.resolve([1]) as never), ArgumentTypeError, unawaited);
      assertRefused(() => pool.imap(id, [1], { bufferSize: 0 }), ArgumentRangeError, /bufferSize 0/);
      assertRefused(
        () => pool.imap(id, [1], { buffersize: 2 } as object),
        ArgumentTypeError,
        /Did you mean "bufferSize"/,
      );
      assertRefused(() => pool.map(id, [1], { callback: 'print' as never }), ArgumentTypeError, /"print" as callback/);
      assertRefused(
        () => pool.applyAsync(id, [1], { errorCallback: 7 as never }),
        ArgumentTypeError,
        /7 as errorCallback/,
      );
      const { succeeded, failed } = pool.statistics();
      assert.deepEqual([succeeded, failed, await pool.apply(() => 1)], [0, 0, 1]);
    },
  );

  testPool('options: wrong functions, arguments and items are refused at the call', { context, workers: 1 }, (pool) => {
    const none = undefined as never;
    assertRefused(() => pool.apply('run' as never, []), ArgumentTypeError, /"run" as the function/);
    assertRefused(() => pool.apply(none, []), ArgumentTypeError, /undefined as the function/);
    assertRefused(
      () => pool.apply((x: number) => x, 7 as never),
      ArgumentTypeError,
      /7 as the arguments of apply.*\[x\]/,
    );
    assertRefused(
      () => pool.apply((x: number) => x, { 0: 1 } as never),
      ArgumentTypeError,
      /an object as the arguments/,
    );
    for (const items of [7, undefined, null, { length: 3 }, () => [1]] as never[]) {
      assertRefused(() => pool.map((x: number) => x, items), ArgumentTypeError, /Cannot map over .*iterable/);
      assertRefused(() => pool.imap((x: number) => x, items), ArgumentTypeError, /Cannot imap over .*iterable/);
    }
  });

  testPool(
    'options: wrong arguments of get, wait, next and resize are refused',
    { context, workers: 1 },
    async (pool) => {
      const result = pool.apply(() => 1);
      for (const timeout of [-1, Number.NaN]) {
        assertRefused(() => result.get({ timeout }), ArgumentRangeError, /timeout/);
        await assert.rejects(result.wait({ timeout }), ArgumentRangeError);
      }
      assertRefused(
        () => result.get(5 as never),
        ArgumentTypeError,
        /^Cannot use 5 as options of get: expected an object, such as \{ timeout: 5_000 \} \(milliseconds\)\.$/,
      );
      assertRefused(() => result.get({ time: 5 } as never), ArgumentTypeError, /"time" of get.*It takes timeout/);
      await assert.rejects(result.wait({ timeOut: 5 } as never), ArgumentTypeError);
      const results = pool.imap((x: number) => x, [1]);
      assertRefused(() => results.next({ timeout: -1 }), ArgumentRangeError, /timeout -1/);
      assertRefused(() => results.next(5 as never), ArgumentTypeError, /5 as options of next.* \{ timeout: 5_000 \}/);
      for (const size of [0, -1, 1.5, 1e9]) assertRefused(() => pool.resize(size), ArgumentRangeError, /size|max|min/);
      assertRefused(() => pool.resize({ min: 3, max: 2 }), ArgumentRangeError, /max 2/);
      assertRefused(() => pool.resize('2' as never), ArgumentTypeError, /"2"/);
      assertRefused(() => pool.resize({ min: 1, maximum: 2 } as never), ArgumentTypeError, /maximum/);
      assertRefused(() => pool.resize(null as never), ArgumentTypeError, /null/);
      assert.equal(await result, 1);
      assert.deepEqual(await results.next(), { done: false, value: 1 });
    },
  );

  testPool(
    'options: undefined stands for the default',
    { context, workers: 1, ...({ min: undefined, name: undefined } as object) },
    async (pool) => {
      const nothing = { timeout: undefined, signal: undefined, chunkSize: undefined, progress: undefined } as object;
      assert.deepEqual(await pool.map((x: number) => x, [1], nothing), [1]);
      assert.equal(await pool.apply((x: number) => x, [1], { timeout: Infinity }), 1);
    },
  );
});
