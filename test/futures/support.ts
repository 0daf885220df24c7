import { describe, type TestContext } from 'node:test';
import {
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  type Executor,
  type ExecutorOptions,
  type Future,
} from 'manycore/futures';
import { contexts, eventually, testClean, type Context, type TestOptions } from '../matrix.ts';

/** Makes an executor of the kind of worker that a case runs on. */
export type Make = (options?: ExecutorOptions) => Executor;

/** Declares the tests of `suite` for each kind of executor. */
export function eachExecutor(suite: (make: Make, context: Context) => void): void {
  for (const context of contexts) {
    const make: Make = (options = {}) =>
      context === 'process'
        ? new ProcessPoolExecutor<readonly unknown[]>(options)
        : new ThreadPoolExecutor<readonly unknown[]>(options);
    describe(context, () => suite(make, context));
  }
}

/** A test of an executor, whose workers are ended afterwards; then nothing of it may be left. */
export function testExecutor(
  name: string,
  make: Make,
  options: ExecutorOptions & { readonly test?: TestOptions },
  body: (executor: Executor, t: TestContext) => unknown,
): void {
  const { test: testOptions, ...executorOptions } = options;
  testClean(name, testOptions ?? {}, async (t) => {
    const executor = make(executorOptions);
    try {
      await body(executor, t);
    } finally {
      await executor.killWorkers();
    }
  });
}

/** Waits until a worker is at this call. */
export async function hasBegun(future: Future<unknown>): Promise<void> {
  await eventually(() => future.running() || future.done(), 10_000, 'the call begins');
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
