import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { ArgumentRangeError, ArgumentTypeError, currentProcess, NestingError } from 'manycore';
import { ProcessPoolExecutor, ThreadPoolExecutor } from 'manycore/futures';
import { eventually, testClean } from '../matrix.ts';
import { runScript } from '../run-script.ts';
import { eachExecutor, testExecutor, type Make } from './support.ts';

const storage = new AsyncLocalStorage<string>();

eachExecutor((make: Make, context) => {
  testExecutor(
    'carry: what a storage holds at the call is there in submit, map and mapSync',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      const read = async (x: number): Promise<string> => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return `${x} ${storage.getStore()}`;
      };
      const carrying = executor.with({ carry: [storage] });
      await storage.run('ann', async () => {
        assert.equal(await carrying.submit(read, 1), '1 ann');
        const streamed: string[] = [];
        for await (const value of carrying.map(read, [2, 3])) streamed.push(value);
        assert.deepEqual(streamed, ['2 ann', '3 ann']);
        assert.deepEqual(carrying.mapSync(read, [4]), ['4 ann']);
        assert.equal(await executor.submit(read, 5), '5 undefined');
      });
    },
  );

  testClean('executors in tasks of executors, to the limit and no deeper (S449)', { limit: 60_000 }, async () => {
    await using executor = make({ maxWorkers: 1 });
    assert.equal(await executor.submit(nest, 3, context), 3);
    // The tenth level may be made, an eleventh may not.
    const deepest = executor.submit(nest, 10, context);
    assert.ok((await deepest.exception()) instanceof NestingError);
  });

  for (const method of ['map', 'submit'] as const)
    test(`${context}: ${method} when the program ends is refused, and shutdown is not held up (Q423)`, async () => {
      const kind = context === 'process' ? 'ProcessPoolExecutor' : 'ThreadPoolExecutor';
      const { stdout, stderr, code } = await runScript(`
        import { ${kind} } from 'manycore/futures';
        const executor = new ${kind}(1);
        console.log(await executor.submit(Math.sqrt, 9));
        process.on('exit', () => {
          try {
            executor.${method}(Math.sqrt, ${method === 'map' ? '[4]' : '4'});
          } catch (error) {
            console.log(error.name, error.message);
          }
          void executor.shutdown();
        });`);
      assert.deepEqual([stderr, code], ['', 0]);
      assert.match(
        stdout,
        /^3\nPoolClosedError Cannot call \w+: cannot schedule new futures after interpreter shutdown/,
      );
    });
});

testClean('executor: too many workers are refused by number (Q424)', {}, () => {
  assert.throws(() => new ProcessPoolExecutor(1_025), ArgumentRangeError);
  assert.throws(() => new ThreadPoolExecutor(1_025), ArgumentRangeError);
  assert.throws(() => new ProcessPoolExecutor({ maxWorkers: 1e9 }), /from 1 to 1024/);
});

testClean('executor: maxTasksPerChild needs no context: workers are new processes (Q416)', {}, async () => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1, maxTasksPerChild: 1 });
  const pids = [await executor.submit(() => process.pid), await executor.submit(() => process.pid)];
  assert.equal(new Set([...pids, process.pid]).size, 3);
  assert.equal(executor.statistics().context, 'process');
});

testClean('executor: threads are called by their prefix, or by their executor and place (P388)', {}, async () => {
  const name = (): string => currentProcess().name;
  await using own = new ThreadPoolExecutor({ maxWorkers: 2, threadNamePrefix: 'download' });
  await using other = new ThreadPoolExecutor(1);
  await using next = new ThreadPoolExecutor({ maxWorkers: 1, threadNamePrefix: '' });
  const both = new Set<string>();
  await eventually(async () => {
    for (const future of [own.submit(name), own.submit(name)]) both.add(await future);
    return both.size === 2;
  });
  assert.deepEqual([...both].toSorted(), ['download_0', 'download_1']);
  const [first, second] = await Promise.all([other.submit(name), next.submit(name)]);
  assert.match(first, /^ThreadPoolExecutor-\d+_0$/);
  assert.match(second, /^ThreadPoolExecutor-\d+_0$/);
  assert.notEqual(first, second);
  assert.throws(() => new ThreadPoolExecutor({ threadNamePrefix: 1 as never }), ArgumentTypeError);
  assert.throws(() => new ThreadPoolExecutor({ thread_name_prefix: 'x' } as object), /Did you mean "threadNamePrefix"/);
  assert.throws(() => new ProcessPoolExecutor({ threadNamePrefix: 'x' } as object), /Unknown option/);
});

/** Executors in each other, so many. */
async function nest(depth: number, kind: 'process' | 'thread'): Promise<number> {
  if (depth === 0) return 0;
  const futures = await import('manycore/futures');
  await using executor = kind === 'process' ? new futures.ProcessPoolExecutor(1) : new futures.ThreadPoolExecutor(1);
  return 1 + (await executor.submit(nest, depth - 1, kind));
}
