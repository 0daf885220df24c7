import { strict as assert } from 'node:assert';
import { describe, test, type TestContext } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Pool, type PoolOptions } from 'manycore';
import { leftovers } from 'manycore/testing';
import { killAll } from '#internal/testing/processes.js';
import { watchHost } from './watch-host.ts';

setFlagsFromString('--expose-gc');
export const collectGarbage = runInNewContext('gc') as () => void;

/** The kinds of worker that every case runs on. */
export type Context = 'process' | 'thread';
export const contexts: readonly Context[] = ['process', 'thread'];

export interface TestOptions {
  /** The test fails when it takes longer (milliseconds). */
  readonly limit?: number;
  readonly skip?: boolean | string;
  /** Warnings of the host that the case is about; every other one fails the test. */
  readonly warnings?: RegExp;
}

/**
 * Cases that name a great number run with a part of it, unless `node build/scripts/test.js --whole` asks for all: at most the whole,
 * in steps of the part.
 */
export function partOf(whole: number, part: number): number {
  return Math.min(whole, part * scale);
}
export const scale: number = Number(process.env['MANYCORE_SCALE'] ?? 1);

const limitMs = 20_000;
const endMs = 5_000;
/** Shared memory takes several collections, each with a turn, to be let go of: on a busy machine that is seconds. */
const settleMs = 10_000;

/** Declares the tests of `suite` for each kind of worker. */
export function eachContext(suite: (context: Context) => void): void {
  for (const context of contexts) describe(context, () => suite(context));
}

/** A test of a pool of these options, which is terminated afterwards; then nothing of it may be left. */
export function testPool(
  name: string,
  options: PoolOptions & { readonly test?: TestOptions },
  body: (pool: Pool, t: TestContext) => unknown,
): void {
  const { test: testOptions, ...poolOptions } = options;
  testClean(name, testOptions ?? {}, async (t) => {
    const pool = new Pool(poolOptions as PoolOptions<[]>) as unknown as Pool;
    try {
      await withLimit(
        testOptions?.limit ?? limitMs,
        () => body(pool, t),
        () => pool.statistics(),
      );
    } finally {
      await withLimit(
        endMs,
        () => pool.terminate(),
        () => pool.statistics(),
      );
    }
  });
}

/** A test with a hard limit after which nothing may be left: no process, descriptor, shared memory, file, timer or unheard error. */
export function testClean(name: string, options: TestOptions, body: (t: TestContext) => unknown): void {
  const { limit = limitMs, skip = false, warnings } = options;
  test(name, { skip }, async (t) => {
    const before = leftovers();
    const host = watchHost(warnings);
    try {
      await withLimit(limit + endMs + settleMs, () => body(t));
      // Warnings and unhandled rejections are reported after the present tick.
      await nextTurn();
      // Shared memory is let go of when what is over it was collected. Node counts the finalizers that a collection has left to be
      // run as an Immediate.
      const isClean = async (): Promise<boolean> => {
        if (before.left().length === 0) return true;
        collectGarbage();
        await nextTurn();
        return before.left().length === 0;
      };
      await eventually(isClean, settleMs).catch(() => undefined);
      assert.deepEqual([...before.left(), ...host.complaints], [], 'left behind by the test');
    } finally {
      host.stop();
      killAll(before.newProcesses());
    }
  });
}

/** Waits until `condition` holds; fails when it does not within `ms`. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  ms = 5_000,
  what?: string,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not within ${ms} ms: ${what ?? String(condition)}`);
    await sleep(5);
  }
}

/** Delays for which a case allows 100 ms: none may be long, and a busy machine alone makes no more than half of them longer. */
export function assertSoon(delays: readonly number[]): void {
  const sorted = delays.toSorted((a, b) => a - b);
  assert.ok(sorted[sorted.length >> 1]! < 100 && sorted.at(-1)! < 1_000, `${delays.map(Math.round).join(', ')} ms`);
}

/** What a promise rejects with; fails when it does not. */
export async function rejection(promise: PromiseLike<unknown>): Promise<Error> {
  const outcome = await Promise.allSettled([promise]);
  if (outcome[0].status === 'fulfilled') assert.fail(`expected a rejection, got ${String(outcome[0].value)}`);
  return outcome[0].reason as Error;
}

async function withLimit<R>(ms: number, body: () => R, state?: () => unknown): Promise<Awaited<R>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const expire = (): void => {
      const now = state === undefined ? '' : ` The pool: ${JSON.stringify(state())}`;
      reject(new Error(`The test did not end within ${ms} ms.${now}`));
    };
    timer = setTimeout(expire, ms);
  });
  try {
    return await Promise.race([(async () => await body())(), late]);
  } finally {
    clearTimeout(timer);
  }
}
