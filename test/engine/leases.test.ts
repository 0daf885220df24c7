import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from 'manycore';
import { Leases } from '#internal/engine/leases.js';
import type { Lease } from '#internal/engine/task.js';
import { PlainJob, returns } from './plain-pool.ts';

const job = new PlainJob(() => returns(0));

function enter(leases: Leases, count: number, from = 0): Lease {
  const sequence = leases.next;
  const lease: Lease = {
    job,
    attempt: 1,
    from,
    sequence,
    count,
    settled: 0,
    inOrder: 0,
    outOfOrder: undefined,
    abandoned: undefined,
    ahead: false,
    moved: false,
  };
  leases.add(lease);
  return lease;
}

function settle(leases: Leases, sequence: number): void {
  leases.settle(leases.find(sequence), sequence);
}

function openOf(leases: Leases): number[] {
  return [...leases.drain()].map(({ sequence }) => sequence);
}

test('leases: settled in any order, each leaves once', () => {
  for (const order of [
    [0, 1, 2, 3, 4],
    [4, 3, 2, 1, 0],
    [2, 0, 4, 1, 3],
  ]) {
    const leases = new Leases();
    enter(leases, 3);
    enter(leases, 2);
    for (const [done, sequence] of order.entries()) {
      assert.equal(leases.open, 5 - done);
      settle(leases, sequence);
    }
    assert.deepEqual([leases.open, leases.batches, openOf(leases)], [0, 0, []]);
  }
});

test('leases: a second answer is a protocol error, and so is one to an item that is not held', () => {
  const leases = new Leases();
  enter(leases, 4);
  settle(leases, 0);
  settle(leases, 2);
  for (const sequence of [0, 2, 4, -1]) assert.throws(() => settle(leases, sequence), ProtocolError);
  assert.equal(leases.open, 2);
  assert.deepEqual(openOf(leases), [1, 3]);
});

test('leases: a run that holds an answered item settles none of it', () => {
  const leases = new Leases();
  const lease = enter(leases, 6);
  settle(leases, 3);
  assert.throws(() => leases.settleRun(lease, 1, 4), ProtocolError);
  assert.throws(() => leases.settleRun(lease, 0, 4), ProtocolError);
  assert.deepEqual([leases.open, openOf(leases)], [5, [0, 1, 2, 4, 5]]);
});

test('leases: runs settle in order and behind a gap', () => {
  const leases = new Leases();
  const lease = enter(leases, 10);
  leases.settleRun(lease, 0, 3);
  leases.settleRun(lease, 5, 2);
  assert.equal(lease.inOrder, 3);
  leases.settleRun(lease, 3, 2);
  assert.equal(lease.inOrder, 7);
  leases.settleRun(lease, 7, 3);
  assert.deepEqual([leases.open, leases.batches], [0, 0]);
});

test('leases: what is cut is not owed any more, the rest is', () => {
  const leases = new Leases();
  enter(leases, 3, 10);
  enter(leases, 3, 20);
  enter(leases, 3, 30);
  settle(leases, 0);
  const returned = leases.cut(4).map(({ from, to }) => [from, to]);
  assert.deepEqual(returned, [
    [21, 23],
    [30, 33],
  ]);
  assert.deepEqual([leases.open, leases.next], [3, 9]);
  assert.throws(() => settle(leases, 4), ProtocolError);
  // Sequence numbers are not used again.
  enter(leases, 1, 40);
  settle(leases, 9);
  settle(leases, 3);
  assert.deepEqual(openOf(leases), [1, 2]);
});

test('leases: a cut of nothing, of all, and of a lease that is answered up to there', () => {
  const leases = new Leases();
  enter(leases, 2);
  assert.deepEqual(leases.cut(2), []);
  settle(leases, 0);
  assert.equal(leases.cut(1).length, 1);
  assert.deepEqual([leases.open, leases.batches], [0, 0]);
  enter(leases, 2);
  assert.equal(leases.cut(0).length, 1);
  assert.deepEqual([leases.open, leases.batches, openOf(leases)], [0, 0, []]);
});

test('leases: many leases are found by number and let go in time', () => {
  const leases = new Leases();
  for (let i = 0; i < 1_000; i++) enter(leases, 3, i * 3);
  for (let sequence = 2_999; sequence >= 1_500; sequence--) settle(leases, sequence);
  assert.equal(leases.find(1_499).from, 1_497);
  for (let sequence = 0; sequence < 1_500; sequence++) settle(leases, sequence);
  assert.deepEqual([leases.open, leases.batches], [0, 0]);
  assert.throws(() => leases.find(700), ProtocolError);
});
