import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type AsyncResult, type CallOptions, type PoolOptions } from 'manycore';

/** Every process that a test file starts, however far down and whoever its parent is by now, has this in its environment. */
const marker = `MANYCORE_FAULTS=${process.pid}`;
process.env['MANYCORE_FAULTS'] = String(process.pid);

export type Context = 'process' | 'thread';
export const both: readonly Context[] = ['process', 'thread'];
export const processes: readonly Context[] = ['process'];
export const threads: readonly Context[] = ['thread'];

/** The hard limit of a test: ten times and more of what it takes, as machines are slow at times. */
const limitMs = 60_000;

/** The pids of all processes that descend from this one, without those that ended and wait to be collected. */
export function descendants(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && isOurs(pid) && isAlive(pid));
}

function isOurs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(marker);
  } catch {
    return false;
  }
}

/** Whether a process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Waits for a condition, looking often; fails when the time is over. */
export async function until(
  what: string | (() => string),
  condition: () => boolean,
  withinMs = 30_000,
): Promise<number> {
  const startedMs = performance.now();
  while (!condition()) {
    if (performance.now() - startedMs > withinMs)
      assert.fail(`Not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    await delay(2);
  }
  return performance.now() - startedMs;
}

export function files(): string[] {
  return ['/dev/shm', tmpdir()].flatMap((folder) => {
    try {
      return readdirSync(folder).filter((name) => name.startsWith(`manycore-${process.pid}`));
    } catch {
      return [];
    }
  });
}

export function descriptors(): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, '')}`;
      } catch {
        return '';
      }
    })
    .filter((line) => line !== '' && !line.includes('/proc/'));
}

const trouble: string[] = [];
const listen = (kind: string) => (what: unknown) => {
  const error = what as Error;
  // What Node says of its own experiments is not about us.
  if (error?.name !== 'ExperimentalWarning') trouble.push(`${kind}: ${error?.stack ?? String(what)}`);
};
process.on('unhandledRejection', listen('unhandledRejection'));
process.on('warning', listen('warning'));

export interface Submitted<R> {
  readonly result: AsyncResult<R>;
  /** The error it is rejected with; fails when it is not, or when it is not an error. */
  readonly error: () => Promise<Error & Record<string, unknown>>;
}

export interface Scenario {
  readonly pool: Pool;
  readonly context: Context;
  /** Submits a task whose outcomes are counted. */
  readonly submit: <A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    args: A,
    options?: CallOptions,
  ) => Submitted<Awaited<R>>;
  /** The warnings of a test that expects some. */
  readonly warnings: () => readonly string[];
}

export interface ScenarioOptions extends Omit<PoolOptions, 'context' | 'initializer' | 'initArgs'> {
  readonly contexts?: readonly Context[];
  readonly initializer?: () => unknown;
  /** The pool is closed, terminated or broken at the end, and has to say so. */
  readonly ended?: boolean;
  /** Warnings are expected. */
  readonly warns?: boolean;
  readonly skip?: string | false;
}

/**
 * A scenario on a pool, for each context. Afterwards the pool answers a probe or says that it has ended (V2), its numbers
 * agree (V3), each task had exactly one outcome (V1), and nothing is left: no process (V4), descriptor (V5), file (V6),
 * unhandled rejection or warning (V7), timer (V12). The other invariants are those of invariants.test.ts.
 */
export function scenario(
  name: string,
  options: ScenarioOptions,
  body: (scenario: Scenario) => Promise<void> | void,
): void {
  const { contexts = both, ended = false, warns = false, skip = false, ...poolOptions } = options;
  for (const context of contexts) {
    test(`${context}: ${name}`, { timeout: limitMs, skip }, async () => {
      const before = { descriptors: descriptors().length, resources: resources().length };
      const outcomes: { name: string; count: number }[] = [];
      const pool = new Pool({ workers: 2, ...poolOptions, context });
      try {
        await body({
          pool,
          context,
          submit: (fn, args, callOptions) => submit(pool, outcomes, fn, args, callOptions),
          warnings: () => trouble,
        });
        if (!ended)
          assert.equal(await pool.apply((a: number, b: number) => a * b, [2, 21]).get({ timeout: 5_000 }), 42);
        else assert.throws(() => void pool.apply(() => 0), { code: /POOL_(?:CLOSED|BROKEN)/ });
        if (!ended) checkStatistics(pool);
      } finally {
        await pool.terminate();
      }
      for (const { name: task, count } of outcomes) assert.equal(count, 1, `${task} had ${count} outcomes`);
      await nothingIsLeft(before, warns);
    });
  }
}

function submit<A extends readonly unknown[] | [], R>(
  pool: Pool,
  outcomes: { name: string; count: number }[],
  fn: (...args: A) => R,
  args: A,
  options?: CallOptions,
): Submitted<Awaited<R>> {
  const outcome = { name: fn.name, count: 0 };
  outcomes.push(outcome);
  const count = (): void => void outcome.count++;
  const result = pool.applyAsync(fn, args, { ...options, callback: count, errorCallback: count });
  const error = async (): Promise<Error & Record<string, unknown>> => {
    const thrown: unknown = await result.then(
      (value) => assert.fail(`It was fulfilled with ${String(value)}`),
      (reason: unknown) => reason,
    );
    assert.ok(thrown instanceof Error, 'rejected with something that is no Error');
    return thrown as Error & Record<string, unknown>;
  };
  return { result, error };
}

function checkStatistics(pool: Pool): void {
  const { workers, waiting, running } = pool.statistics();
  assert.equal(waiting, 0);
  assert.equal(
    running,
    workers.reduce((sum, { tasks }) => sum + tasks, 0),
  );
}

/** What keeps or would keep the program alive, but for what Node itself is done with soon. */
export function resources(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => !['Immediate', 'CloseReq', 'PipeWrap'].includes(kind));
}

async function nothingIsLeft(before: { descriptors: number; resources: number }, warns: boolean): Promise<void> {
  await until('no process is left', () => descendants().length === 0, 1_000);
  await until(
    () => `no descriptor is left of ${descriptors().join(', ')}`,
    () => descriptors().length <= before.descriptors,
  );
  assert.deepEqual(files(), []);
  await until(
    () => `nothing ticks any more: ${resources().join(', ')}`,
    () => resources().length <= before.resources,
  );
  const troubles = trouble.splice(0);
  if (!warns) assert.deepEqual(troubles, []);
}

/** The pid of a worker of a process pool. */
export function pidOf(pool: Pool, index = 0): number {
  const pid = pool.statistics().workers[index]?.pid;
  assert.ok(pid !== undefined);
  return pid;
}

/** Waits until all workers of a pool are up. */
export function allUp(pool: Pool, count: number): Promise<number> {
  return until(`${count} workers are up`, () => {
    const { workers } = pool.statistics();
    return workers.length === count && workers.every(({ state }) => state === 'ready');
  });
}

/** Waits until a process is in a state, by its letter in /proc: R(unning), S(leeping), T (stopped). */
export function inState(pid: number, letters: string): Promise<number> {
  return until(`process ${pid} is ${letters}`, () => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return letters.includes(stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3));
  });
}

/** A file by whose presence a task says that it has begun. */
export function sign(): { readonly path: string; readonly given: () => Promise<number> } {
  const path = join(tmpdir(), `faults-sign-${process.pid}-${++signs}`);
  process.once('exit', () => rmSync(path, { force: true }));
  return { path, given: () => until('the task has begun', () => existsSync(path)) };
}
let signs = 0;
