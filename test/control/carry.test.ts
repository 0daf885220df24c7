import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { ArgumentTypeError } from 'manycore';
import { eachContext, testPool } from '../matrix.ts';

const storage = new AsyncLocalStorage<{ user: string }>();
const depth = new AsyncLocalStorage<number>();

eachContext((context) => {
  testPool(
    'carry: what storages hold at the call is there in the task, in all kinds of call',
    { context, workers: 2 },
    async (pool) => {
      const carry = [storage, depth];
      const read = async (x: number): Promise<unknown[]> => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return [x, storage.getStore()?.user, depth.getStore()];
      };
      await storage.run({ user: 'ann' }, async () => {
        const single = depth.run(1, () => pool.apply(read, [5], { carry }));
        const map = depth.run(2, () => pool.map(read, [6, 7], { carry }));
        assert.deepEqual(await single, [5, 'ann', 1]);
        assert.deepEqual(await map, [
          [6, 'ann', 2],
          [7, 'ann', 2],
        ]);
        const streamed: unknown[] = [];
        for await (const value of pool.imap(read, [8], { carry: [storage] })) streamed.push(value);
        assert.deepEqual(streamed, [[8, 'ann', undefined]]);
      });
      assert.deepEqual(await pool.apply(read, [9]), [9, undefined, undefined]);
    },
  );

  testPool(
    'carry: the value is that of the call, a copy, and the name of the function stays',
    { context, workers: 1 },
    async (pool) => {
      const store = { user: 'ann' };
      const results = storage.run(store, () => {
        const first = pool.apply(() => storage.getStore()?.user, [], { carry: [storage] });
        store.user = 'bob';
        const second = pool.apply(() => storage.getStore()?.user, [], { carry: [storage] });
        return [first, second];
      });
      assert.deepEqual(await Promise.all(results), ['ann', 'bob']);
      const error = await pool
        .apply(
          function render() {
            throw new Error(storage.getStore()?.user);
          },
          [],
          { carry: [storage] },
        )
        .catch((reason: unknown) => reason as Error);
      assert.match(String(error.stack), /apply\(render\)/);
      assert.throws(() => pool.apply(() => 1, [], { carry: [{}] as never }), ArgumentTypeError);
    },
  );
});
