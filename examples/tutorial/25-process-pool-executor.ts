// Fibonacci numbers by ProcessPoolExecutor: by map, in order; by submit and asCompleted, with a try around each result.
//   with ProcessPoolExecutor(max_workers=3) as executor:
//       for num, result in zip(range(20), executor.map(fib, range(20))): print(num, result)
//       for future in as_completed(futures):
//           try: print(future.result())
//           except Exception as e: print('error', e)
import assert from 'node:assert/strict';
import { range } from 'manycore';
import { asCompleted, ProcessPoolExecutor } from 'manycore/futures';

function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

const expected = range(20).toArray().map(fib);
await using executor = new ProcessPoolExecutor({ maxWorkers: 3 });

const inOrder: number[] = [];
for await (const result of executor.map(fib, range(20))) {
  console.log(`fib(${inOrder.length}) = ${result}`);
  inOrder.push(result);
}
assert.deepEqual(inOrder, expected);

const numberOf = new Map(
  range(20)
    .toArray()
    .map((n) => [executor.submit(fib, n), n]),
);
const asTheyCame = new Map<number, number>();
for await (const future of asCompleted(numberOf.keys())) {
  const n = numberOf.get(future)!;
  try {
    asTheyCame.set(n, await future.result());
  } catch (error) {
    console.log(`fib(${n}) failed:`, error);
  }
}
console.log('as they came:', [...asTheyCame.keys()].join(' '));
assert.deepEqual(
  expected.map((_, n) => asTheyCame.get(n)),
  expected,
);
