import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enumerate, product, zip } from 'manycore';
import { zipAsync } from '#internal/pool/zip.js';

interface Log {
  readonly events: string[];
}

/** Numbers below `end` that note how they are closed; `end` itself throws when `fails`. */
function numbers(log: Log, name: string, end: number, fails: { next?: boolean; return?: boolean } = {}) {
  let at = 0;
  return {
    [Symbol.iterator]() {
      return this;
    },
    next(): IteratorResult<number, undefined> {
      if (at < end) return { done: false, value: at++ };
      if (fails.next === true) throw new Error(`${name} failed`);
      log.events.push(`${name} ended`);
      return { done: true, value: undefined };
    },
    return(): IteratorResult<number, undefined> {
      log.events.push(`${name} closed`);
      if (fails.return === true) throw new Error(`${name} cannot be closed`);
      return { done: true, value: undefined };
    },
  };
}

test('zip, product, enumerate: what cannot be gone through is named by its place', () => {
  const wrong = (call: string): string => `Cannot use 5 as ${call}: expected an iterable, such as an array.`;
  assert.throws(() => [...zip([1], 5 as never)], { name: 'ArgumentTypeError', message: wrong('argument 2 of zip') });
  assert.throws(() => [...product(5 as never)], { message: wrong('argument 1 of product') });
  assert.throws(() => [...enumerate(5 as never)], { message: wrong('the argument of enumerate') });
  const log: Log = { events: [] };
  assert.throws(() => [...zip(numbers(log, 'a', 3), 5 as never)], TypeError);
  assert.deepEqual(log.events, ['a closed']);
});

const unopenable: Iterable<number> = {
  [Symbol.iterator]() {
    throw new Error('cannot be opened');
  },
};

/** An asynchronous one beside the others, which never ends. */
const forever: AsyncIterable<number> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: false, value: 0 }) }),
};

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('zip: the shortest ends it; it is not closed again, the others are, the last first', async () => {
  const log: Log = { events: [] };
  const inputs = (): Iterable<number>[] => [numbers(log, 'a', 9), numbers(log, 'b', 2), numbers(log, 'c', 9)];
  const expected = [
    [0, 0, 0],
    [1, 1, 1],
  ];
  assert.deepEqual([...zip(...inputs())], expected);
  assert.deepEqual(log.events.splice(0), ['b ended', 'c closed', 'a closed']);
  assert.deepEqual(
    await collect(zipAsync([...inputs(), forever])),
    expected.map((tuple) => [...tuple, 0]),
  );
  assert.deepEqual(log.events, ['b ended', 'c closed', 'a closed']);
});

test('zip: one that throws is not closed, the others are, and its error is the one that is told', async () => {
  const log: Log = { events: [] };
  const inputs = (): Iterable<number>[] => [
    numbers(log, 'a', 9, { return: true }),
    numbers(log, 'b', 1, { next: true }),
    numbers(log, 'c', 9),
  ];
  assert.throws(() => [...zip(...inputs())], /b failed/);
  assert.deepEqual(log.events.splice(0), ['c closed', 'a closed']);
  await assert.rejects(collect(zipAsync([...inputs(), forever])), /b failed/);
  assert.deepEqual(log.events, ['c closed', 'a closed']);
});

test('zip: an iterable that cannot be opened closes those that were', async () => {
  const log: Log = { events: [] };
  assert.throws(() => [...zip(numbers(log, 'a', 9), unopenable)], /cannot be opened/);
  await assert.rejects(collect(zipAsync([numbers(log, 'b', 9), unopenable, forever])), /cannot be opened/);
  assert.deepEqual(log.events, ['a closed', 'b closed']);
});

test('zip: leaving the loop closes all, also when one of them throws at that', async () => {
  const log: Log = { events: [] };
  const inputs = (): Iterable<number>[] => [numbers(log, 'a', 9), numbers(log, 'b', 9, { return: true })];
  assert.throws(() => {
    for (const _ of zip(...inputs())) break;
  }, /b cannot be closed/);
  assert.deepEqual(log.events.splice(0), ['b closed', 'a closed']);
  await assert.rejects(async () => {
    for await (const _ of zipAsync([...inputs(), forever])) break;
  }, /b cannot be closed/);
  assert.deepEqual(log.events, ['b closed', 'a closed']);
});

test('zip: one iterator given twice makes pairs', async () => {
  const log: Log = { events: [] };
  const twice = numbers(log, 'a', 5);
  const pairs = [
    [0, 1],
    [2, 3],
  ];
  assert.deepEqual([...zip(twice, twice)], pairs);
  const again = numbers(log, 'b', 5);
  assert.deepEqual(
    (await collect(zipAsync([again, again, forever]))).map((tuple) => tuple.slice(0, 2)),
    pairs,
  );
  assert.deepEqual(log.events, ['a ended', 'b ended']);
});

test('zip: asynchronous inputs are closed at once, also one whose next item never comes', async () => {
  let closed = false;
  const silent: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: () => {
        closed = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  const iterator = zipAsync([[1, 2], silent])[Symbol.asyncIterator]();
  void iterator.next();
  await iterator.return?.();
  assert.ok(closed);
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
});
