import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { Socket } from 'node:net';
import { SerializationError } from 'manycore';
import { eachContext, rejection, testPool } from '../matrix.ts';

const identity = (x: unknown): unknown => x;
const { env } = process;

eachContext((context) => {
  testPool('refusals: a message names the argument, the input or the result', { context, workers: 1 }, async (pool) => {
    const db = { socket: new Socket() };
    const refused: [Promise<unknown>, string][] = [
      [pool.apply(identity, [{ db }]), 'args[0].db.socket'],
      [pool.apply((a: number, b: unknown) => [a, b], [1, db]), 'args[1].socket'],
      [pool.map(identity, [1, { db }]), 'input[1].db.socket'],
      [pool.starmap((a: number, b: unknown) => [a, b], [[1, db]]), 'input[0][1].socket'],
      [pool.broadcast(identity, [db]), 'args[0].socket'],
    ];
    for (const [result, path] of refused) {
      const { message } = (await rejection(result)) as Error;
      assert.ok(
        message.startsWith(`Cannot send ${path}: it is a net.Socket, which lives in this process. Open`),
        message,
      );
    }
    const { message } = (await rejection(pool.apply(() => ({ file: createReadStream('/dev/null') })))) as Error;
    assert.match(message, /^Cannot send the result\.file: it is a ReadStream, .* return what it holds\./);
    for (const [make, advice] of [
      [() => ({ deep: new WeakMap() }), 'a WeakMap cannot be sent. It cannot leave the worker: return its data.'],
      [() => ({ deep: Promise.resolve() }), 'a Promise cannot be sent. Await it inside the function.'],
    ] as const) {
      const error = await rejection(pool.apply<unknown>(make));
      assert.ok(error.message.startsWith(`Cannot send the result.deep: ${advice}`), error.message);
    }
    const { signal } = new AbortController();
    const instead =
      /which lives in this process\. The calls of a pool take it as the option `signal`: `task\(\)\.signal` of the task is aborted with it\./;
    assert.match((await rejection(pool.apply(identity, [signal]))).message, instead);
  });

  testPool("refusals: an instance of one of Node's own classes is named", { context, workers: 1 }, async (pool) => {
    const file = createReadStream('/dev/null');
    const timer = setTimeout(() => {}, 1);
    for (const [value, name] of [
      [file, 'a ReadStream'],
      [timer, 'a Timeout'],
      [new AbortController().signal, 'an AbortSignal'],
    ] as const) {
      const error = await rejection(pool.apply(identity, [value]));
      assert.ok(
        error instanceof SerializationError && error.message.includes(`it is ${name}, which lives`),
        String(error),
      );
    }
    clearTimeout(timer);
    file.destroy();
  });

  testPool(
    "the environment that a function captured is its worker's, sent it is a copy",
    { context, workers: 1 },
    async (pool) => {
      assert.equal(await pool.apply(() => env === process.env), true);
      assert.deepEqual(await pool.apply(identity, [process.env]), { ...process.env });
    },
  );
});
