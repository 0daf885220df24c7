import { readdirSync, readlinkSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { getContext, type Process, Queue } from 'manycore';
import { steps } from '#internal/queues/ring.js';
import type { SharedRing } from '#internal/queues/shared-ring.js';
import { collectGarbage, type Context, eventually, testClean, type TestOptions } from '../matrix.ts';

// What a thread has once and for all: its first segment, its bell.
new Queue().close();

/** A test after which nothing is left, the memory of its queues included: that goes when they are collected. */
export function testQueues(name: string, body: (t: TestContext) => unknown, options: TestOptions = {}): void {
  testClean(name, { limit: 30_000, ...options }, async (t) => {
    const before = new Set(segments());
    try {
      await body(t);
    } finally {
      steps.step = undefined;
    }
    await eventually(
      () => {
        collectGarbage();
        return segments().every((segment) => before.has(segment));
      },
      5_000,
      'the memory of the queues is given back',
    );
  });
}

/** What a queue is made of; its public type does not tell. */
export function ringOf(queue: object): SharedRing {
  return (queue as { readonly ring: SharedRing }).ring;
}

/** The descriptors of shared memory that this process has. */
function segments(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith('/dev/shm/') ? [`${fd} ${target}`] : [];
    } catch {
      return [];
    }
  });
}

/** Starts a process or thread. */
export function start<Args extends readonly unknown[] | []>(
  context: Context,
  target: (...args: [...Args]) => unknown,
  ...args: Args
): Process {
  const { Process: Of } = getContext(context);
  return (new Of({ target, args } as never) as unknown as Process).start();
}

/** Starts it, and waits until it has ended well. */
export async function run<Args extends readonly unknown[] | []>(
  context: Context,
  target: (...args: [...Args]) => unknown,
  ...args: Args
): Promise<void> {
  const p = start(context, target, ...args);
  await p.join();
  if (p.exitCode !== 0) throw new Error(`ended with ${p.exitCode}`);
}
