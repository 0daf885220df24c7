import assert from 'node:assert/strict';
import { Pool, TimeoutError } from 'manycore';
import { Sequencer } from 'manycore/testing';
import { eachContext, rejection, testClean, testPool } from '../matrix.ts';

eachContext((context) => {
  testPool('Sequencer: steps of the program and of tasks come in order', { context, workers: 2 }, async (pool) => {
    using order = new Sequencer(['a', 'b', 'c', 'd']);
    const log: string[] = [];
    const first = pool.apply(async () => {
      await order.step('c');
      return order.step('a', () => 'never').catch((error: Error) => error.name);
    });
    const second = pool.apply(async () => {
      await order.step('a');
      return 'second';
    });
    await order.step('b', () => log.push('b'));
    assert.equal(await first, 'ArgumentRangeError');
    await order.step('d', () => log.push('d'));
    assert.equal(await second, 'second');
    assert.deepEqual(log, ['b', 'd']);
    assert.deepEqual(order.done, ['a', 'b', 'c', 'd']);
  });
});

testClean('Sequencer: a step whose body throws is done', {}, async () => {
  using order = new Sequencer(['a', 'b']);
  const failed = await rejection(
    order.step('a', () => {
      throw new RangeError('its own');
    }),
  );
  assert.ok(failed instanceof RangeError);
  assert.equal(await order.step('b', async () => 7), 7);
});

testClean('Sequencer: wrong steps, and one whose turn never comes, say so', {}, async () => {
  assert.throws(() => new Sequencer(['a', 'a']), /"a" is given twice/);
  using order = new Sequencer(['opened', 'closed'], { limit: 20 });
  assert.match((await rejection(order.step('close'))).message, /Did you mean "closed"/);
  const late = await rejection(order.step('closed'));
  assert.ok(late instanceof TimeoutError);
  assert.match(late.message, /waited 20 ms for opened/);
  assert.match((await rejection(order.step('closed'))).message, /begun before/);
});

testClean('Sequencer: one that travels to a pool that runs inline', {}, async () => {
  using order = new Sequencer(['a', 'b']);
  await using pool = new Pool({ workers: 0 });
  const task = pool.apply(() => order.step('b', () => 'b'));
  await order.step('a');
  assert.equal(await task, 'b');
});

testClean('Sequencer: what are no steps is refused', {}, () => {
  for (const wrong of ['abc', [1], undefined])
    assert.throws(() => new Sequencer(wrong as never), /expected a list of names/);
  assert.throws(() => new Sequencer(['a'], { limt: 1 } as never), /Did you mean "limit"\?/);
});
