import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadyQueue } from '#internal/engine/ready-queue.js';
import { priorityTurns } from '#internal/limits.js';
import { PlainJob, returns } from './plain-pool.ts';

const line = {};

/** The jobs of these tests are one line, where it is not said otherwise. */
function job(priority = 0, own: object = line): PlainJob {
  return new PlainJob(() => returns(0), { priority, line: own });
}

function alone(): PlainJob {
  return new PlainJob(() => returns(0));
}

/** All that waits, in order, as [job's name, from, to, attempt]. */
function drain(queue: ReadyQueue, names: Map<PlainJob, string>): (string | number)[][] {
  const all: (string | number)[][] = [];
  for (let front = queue.front(); front !== undefined; front = queue.front()) {
    all.push([names.get(front.job as PlainJob)!, front.from, front.to, front.attempt]);
    queue.take(front, front.to - front.from);
  }
  return all;
}

test('ready queue: higher priorities first, then order of arrival', () => {
  const [a, b, c, d] = [job(), job(5), job(), job(-1)];
  const names = new Map([
    [a, 'a'],
    [b, 'b'],
    [c, 'c'],
    [d, 'd'],
  ] as const);
  const queue = new ReadyQueue();
  for (const each of [d, a, c, b]) queue.push(each, 0, 2, 1);
  assert.equal(queue.length, 8);
  assert.deepEqual(drain(queue, names), [
    ['b', 0, 2, 1],
    ['a', 0, 2, 1],
    ['c', 0, 2, 1],
    ['d', 0, 2, 1],
  ]);
  assert.equal(queue.length, 0);
});

test('ready queue: items that continue the last segment join it, other attempts and jobs do not', () => {
  const [a, b] = [job(), job()];
  const names = new Map([
    [a, 'a'],
    [b, 'b'],
  ] as const);
  const queue = new ReadyQueue();
  queue.push(a, 0, 2, 1);
  queue.push(a, 2, 5, 1);
  queue.push(a, 5, 6, 2);
  queue.push(b, 6, 7, 2);
  queue.push(a, 7, 8, 2);
  queue.push(a, 9, 9, 2);
  assert.deepEqual(drain(queue, names), [
    ['a', 0, 5, 1],
    ['a', 5, 6, 2],
    ['b', 6, 7, 2],
    ['a', 7, 8, 2],
  ]);
});

test('ready queue: what comes back goes first, keeps its order and joins what it precedes', () => {
  const [a, b] = [job(), job()];
  const names = new Map([
    [a, 'a'],
    [b, 'b'],
  ] as const);
  const queue = new ReadyQueue();
  queue.push(a, 0, 10, 1);
  queue.take(queue.front()!, 6);
  for (const index of [5, 4, 3]) queue.unshift(a, index, index + 1, 1);
  queue.unshift(b, 0, 1, 1);
  queue.unshift(b, 1, 1, 1);
  assert.equal(queue.length, 8);
  assert.deepEqual(drain(queue, names), [
    ['b', 0, 1, 1],
    ['a', 3, 10, 1],
  ]);
});

test('ready queue: removes the items of one job from both ends, or all', () => {
  const [a, b, urgent] = [job(), job(), job(1)];
  const names = new Map([
    [a, 'a'],
    [b, 'b'],
    [urgent, 'urgent'],
  ] as const);
  const queue = new ReadyQueue();
  queue.push(a, 0, 3, 1);
  queue.push(b, 0, 3, 1);
  queue.unshift(a, 7, 8, 2);
  queue.push(urgent, 0, 1, 1);
  const removed = queue.remove(a).map(({ from, to, attempt }) => [from, to, attempt]);
  assert.deepEqual(removed, [
    [0, 3, 1],
    [7, 8, 2],
  ]);
  assert.equal(queue.length, 4);
  assert.equal(queue.front()?.job, urgent);
  assert.equal(queue.remove(undefined).length, 2);
  assert.deepEqual(drain(queue, names), []);
});

test('ready queue: equals a plain list over a long random use', () => {
  const queue = new ReadyQueue();
  const jobs = Array.from({ length: 4 }, () => job());
  let list: string[] = [];
  const name = (of: number, index: number): string => `${of}/${index}`;
  let state = 7;
  const random = (most: number): number => (state = (state * 48_271) % 2_147_483_647) % most;
  for (let step = 0; step < 20_000; step++) {
    const of = random(4);
    const from = random(50);
    const to = from + random(4);
    const items = Array.from({ length: to - from }, (_, i) => name(of, from + i));
    const act = random(10);
    if (act < 3) {
      queue.push(jobs[of]!, from, to, 1);
      list.push(...items);
    } else if (act < 5) {
      queue.unshift(jobs[of]!, from, to, 1);
      list.unshift(...items);
    } else if (act === 9 && random(20) === 0) {
      queue.remove(jobs[of]);
      list = list.filter((item) => !item.startsWith(`${of}/`));
    } else {
      const front = queue.front();
      if (front === undefined) continue;
      const count = Math.min(front.to - front.from, 1 + random(3));
      const taken = Array.from({ length: count }, (_, i) => name(jobs.indexOf(front.job as PlainJob), front.from + i));
      assert.deepEqual(taken, list.splice(0, count));
      queue.take(front, count);
    }
    assert.equal(queue.length, list.length);
  }
});

test('ready queue: single items are removed wherever they are, and what is left keeps its order', () => {
  const [a, b, c] = [job(), job(), job()];
  const names = new Map([
    [a, 'a'],
    [b, 'b'],
    [c, 'c'],
  ] as const);
  const queue = new ReadyQueue();
  queue.push(b, 0, 5, 1);
  queue.push(c, 0, 1, 1);
  queue.unshift(a, 10, 15, 2);
  for (const [from, index] of [
    [a, 12],
    [b, 0],
    [b, 4],
    [b, 2],
    [c, 0],
  ] as const)
    assert.equal(queue.removeItem(from, index), true);
  for (const [from, index] of [
    [a, 12],
    [a, 9],
    [b, 5],
    [c, 0],
  ] as const)
    assert.equal(queue.removeItem(from, index), false);
  assert.equal(queue.length, 6);
  assert.deepEqual(drain(queue, names), [
    ['a', 10, 12, 2],
    ['a', 13, 15, 2],
    ['b', 1, 2, 1],
    ['b', 3, 4, 1],
  ]);
  for (let i = 0; i < 5; i++) queue.push(i % 2 === 0 ? a : b, i, i + 1, 1);
  for (let i = 0; i < 5; i++) assert.equal(queue.removeItem(i % 2 === 0 ? a : b, i), true);
  assert.deepEqual([queue.length, queue.front()], [0, undefined]);
});

test('ready queue: lines of one priority take turns, one job after the other within a line', () => {
  const single = {};
  const [big, other, first, second] = [alone(), alone(), job(0, single), job(0, single)];
  const names = new Map([
    [big, 'big'],
    [other, 'other'],
    [first, 'first'],
    [second, 'second'],
  ] as const);
  const queue = new ReadyQueue();
  queue.push(big, 0, 6, 1);
  for (const each of [first, second]) queue.push(each, 0, 1, 1);
  queue.push(other, 0, 4, 1);
  const turns: string[] = [];
  for (let front = queue.front(); front !== undefined; front = queue.front()) {
    turns.push(names.get(front.job as PlainJob)!);
    queue.take(front, Math.min(2, front.to - front.from));
  }
  assert.deepEqual(turns, ['big', 'first', 'other', 'big', 'second', 'other', 'big']);
});

test('ready queue: a steady stream of high priority leaves low priorities a share', () => {
  const [low, lower] = [job(0), job(-1)];
  const queue = new ReadyQueue();
  queue.push(low, 0, 10, 1);
  queue.push(lower, 0, 10, 1);
  const turns: (number | string)[] = [];
  for (let turn = 0; turn < 200; turn++) {
    queue.push(job(5), 0, 1, 1);
    const front = queue.front()!;
    assert.equal(queue.front(), front, 'to look does not end a turn');
    turns.push(front.job === low ? 'low' : front.job === lower ? 'lower' : 'high');
    queue.take(front, 1);
  }
  assert.deepEqual(turns.slice(0, priorityTurns), new Array(priorityTurns).fill('high'));
  for (const name of ['low', 'lower']) {
    const count = turns.filter((each) => each === name).length;
    assert.ok(count >= 8 && count <= 12, `${name}: ${count} of 200`);
  }
});

test('ready queue: a part of a job is removed where it waits for its first attempt', () => {
  const [a, b] = [job(), job()];
  const names = new Map([
    [a, 'a'],
    [b, 'b'],
  ] as const);
  const queue = new ReadyQueue();
  queue.push(a, 0, 10, 1);
  queue.push(b, 0, 2, 1);
  queue.push(a, 3, 4, 2);
  assert.deepEqual(
    queue.removeUntried(a, 2, 5).map(({ from, to }) => [from, to]),
    [[2, 5]],
  );
  assert.equal(queue.length, 10);
  assert.deepEqual(queue.removeUntried(a, 2, 5), []);
  assert.deepEqual(queue.removeUntried(a, 0, 1).length, 1);
  assert.deepEqual(
    drain(queue, names).toSorted((x, y) => String(x).localeCompare(String(y))),
    [
      ['a', 1, 2, 1],
      ['a', 3, 4, 2],
      ['a', 5, 10, 1],
      ['b', 0, 2, 1],
    ],
  );
});

test('ready queue: to withdraw 100,000 jobs one by one is not quadratic (E4)', () => {
  const queue = new ReadyQueue();
  const jobs = Array.from({ length: 100_000 }, () => job());
  for (const each of jobs) queue.push(each, 0, 1, 1);
  const started = performance.now();
  for (const each of jobs) assert.equal(queue.remove(each).length, 1);
  const tookMs = performance.now() - started;
  assert.equal(queue.length, 0);
  assert.ok(tookMs < 5_000, `${tookMs} ms`);
});
