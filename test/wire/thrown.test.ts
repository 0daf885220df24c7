import { strict as assert } from 'node:assert';
import { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import {
  ArgumentRangeError,
  ManycoreError,
  PoisonTaskError,
  RemoteError,
  SerializationError,
  TaskTimeoutError,
  WorkerLostError,
} from 'manycore';
import { Decoder } from '#internal/wire/decoder.js';
import { Encoder } from '#internal/wire/encoder.js';
import { decodeThrown, encodeThrown } from '#internal/wire/error-codec.js';
import { Reader } from '#internal/wire/reader.js';
import { Writer } from '#internal/wire/writer.js';
import { travelThrown } from './travel.ts';

/** Without the closure layer: what is thrown by a task that sends nothing but data. */
function travelBare(thrown: unknown): Error & Record<string, unknown> {
  const writer = new Writer(16);
  encodeThrown(new Encoder(), writer, thrown);
  const reader = new Reader(writer.written());
  const error = decodeThrown(new Decoder(undefined, new Map()), reader);
  assert.equal(reader.at, reader.end, 'all of it was read');
  return error as Error & Record<string, unknown>;
}

const task = { id: 7, name: 'render', index: 3, attempt: 2 };

describe('wire: thrown values that are no errors', () => {
  for (const value of [undefined, null, NaN, '', 0n, -0, false, 'text', 12, Symbol.for('s')]) {
    test(`${typeof value === 'string' ? JSON.stringify(value) : String(value)} arrives in a RemoteError (A2)`, () => {
      const error = travelBare(value);
      assert.ok(error instanceof RemoteError);
      assert.ok(Object.is(error.value, value));
      assert.match(error.message, /^The task threw .+, which is not an Error\.$/);
    });
  }

  test('a unique symbol, a plain object, and what cannot be sent (A2)', () => {
    assert.equal((travelBare(Symbol('mine'))['value'] as symbol).description, 'mine');
    assert.deepStrictEqual(travelBare({ code: 1, list: [1] })['value'], { code: 1, list: [1] });
    assert.equal(travelBare(new Proxy({}, {}))['value'], '<an object>');
    assert.equal(travelBare(() => 1)['value'], '<() => 1>');
    assert.ok((travelBare('x'.repeat(10_000_000)) as Error).message.length < 100_000);
  });
});

describe('wire: thrown errors', () => {
  test('class, name, code, fields, stack and cause (A1)', async () => {
    class MyError extends TypeError {
      readonly code = 'E1';
      readonly data = { a: [1] };
      constructor() {
        super('boom', { cause: 'why' });
      }
    }
    const error = await travelThrown(new MyError());
    assert.ok(error instanceof MyError && error instanceof TypeError);
    assert.deepEqual(
      [error.name, error.message, error.code, error.data, error.cause],
      ['TypeError', 'boom', 'E1', { a: [1] }, 'why'],
    );
    assert.match(error.stack!, /thrown\.test/);
    assert.deepEqual(Object.keys(error), ['code', 'data']);
  });

  test('a class that cannot travel arrives as its nearest native class, with its name and fields (A9)', () => {
    class Unknown extends RangeError {
      override name = 'Unknown';
      readonly field = 1;
    }
    const error = travelBare(new Unknown('m'));
    assert.equal(Object.getPrototypeOf(error), RangeError.prototype);
    assert.deepEqual([error.name, error.message, error['field']], ['Unknown', 'm', 1]);
  });

  test('frozen, sealed and null-prototype errors are read and not changed (A3)', () => {
    const frozen = Object.freeze(new Error('frozen'));
    const bare = Object.setPrototypeOf(new Error('bare'), null) as Error;
    for (const error of [frozen, Object.seal(new Error('sealed')), bare]) {
      const keys = Reflect.ownKeys(error);
      const back = travelBare(error);
      assert.ok(back instanceof Error);
      assert.match(back.message, /^(?:frozen|sealed|bare)$/);
      assert.deepEqual(Reflect.ownKeys(error), keys);
    }
    assert.equal(travelBare(Object.setPrototypeOf(new Error(), null)).message, '');
  });

  test('cycles of causes and of aggregated errors are kept (A4)', () => {
    const self = new Error('self');
    self.cause = self;
    const back = travelBare(self);
    assert.equal(back.cause, back);
    const [a, b] = [new Error('a'), new TypeError('b')];
    a.cause = b;
    b.cause = a;
    const around = travelBare(a);
    assert.ok(around.cause instanceof TypeError);
    assert.equal(around.cause.cause, around);
    const all = new AggregateError([a], 'all');
    all.errors.push(all);
    const aggregate = travelBare(all);
    assert.ok(aggregate instanceof AggregateError);
    assert.equal(aggregate.errors[1], aggregate);
    assert.equal((aggregate.errors[0] as Error).message, 'a');
  });

  test('errors in any field keep their class and identity', () => {
    const inner = new TypeError('inner');
    const error = travelBare(Object.assign(new Error('outer', { cause: inner }), { inner, suppressed: [inner] }));
    assert.ok(error['inner'] instanceof TypeError);
    assert.equal(error['inner'], error.cause);
    assert.equal((error['suppressed'] as unknown[])[0], error.cause);
  });

  test('what cannot be sent is left out and listed in droppedKeys (A5)', () => {
    const socket = new Socket();
    const unique = Symbol('field');
    const error = travelBare(
      Object.assign(new Error('e'), {
        fn: () => 1,
        weak: new WeakMap(),
        proxy: new Proxy([], {}),
        ok: [1],
        [unique]: 2,
      }),
    );
    socket.destroy();
    assert.deepEqual(error['droppedKeys'], ['fn', 'weak', 'proxy']);
    assert.deepEqual(error['ok'], [1]);
    const [symbol] = Object.getOwnPropertySymbols(error);
    assert.equal(symbol?.description, 'field');
  });

  test('with the closure layer a socket is dropped and a function is sent (A5)', async () => {
    const socket = new Socket();
    const error = await travelThrown(Object.assign(new Error('e'), { fn: () => 5, socket, self: globalThis }));
    socket.destroy();
    assert.ok((Reflect.get(error, 'droppedKeys') as string[]).includes('socket'));
    assert.equal((Reflect.get(error, 'fn') as () => number)(), 5);
  });

  for (const key of ['stack', 'message', 'name', 'cause', 'code']) {
    test(`a getter "${key}" that throws (A6)`, () => {
      const error = Object.defineProperty(new Error('m'), key, {
        enumerable: true,
        get: () => {
          throw new Error('getter');
        },
      });
      const back = travelBare(error);
      assert.equal(back.message, key === 'message' ? '<unreadable>' : 'm');
      assert.equal(typeof back.stack, 'string');
      assert.equal(back.name, 'Error');
      if (key === 'cause' || key === 'code') assert.deepEqual(back['droppedKeys'], [key]);
    });
  }

  test('errors behind hostile proxies and prototypes', () => {
    const trap = (): never => {
      throw new Error('trap');
    };
    const hostile = new Proxy(
      {},
      { getPrototypeOf: trap, get: trap, has: trap, ownKeys: trap, getOwnPropertyDescriptor: trap },
    );
    assert.ok(travelBare(hostile) instanceof RemoteError);
    assert.ok(travelBare(Object.create(hostile)) instanceof Error);
    assert.equal(travelBare(Object.setPrototypeOf(new Error('m'), hostile)).message, 'm');
    assert.ok(travelBare(new Proxy(new Error('x'), { get: trap })) instanceof RemoteError);
    const list = travelBare(new AggregateError([1], 'm', { cause: new Proxy([], { get: trap }) }));
    assert.deepEqual(list['droppedKeys'], ['cause']);
  });

  test('a cause chain of 100 000 errors is cut at 100, within a second (A8)', { timeout: 10_000 }, () => {
    let error = new Error('root');
    for (let i = 0; i < 100_000; i++) error = new Error(`level ${i}`, { cause: error });
    let depth = 0;
    let last: Error & Record<string, unknown> = travelBare(error);
    for (let at: unknown = last; at instanceof Error; at = at.cause, depth++) last = at as typeof last;
    assert.equal(depth, 100);
    assert.deepEqual(last['droppedKeys'], ['cause']);
  });

  test('100 000 aggregated errors are cut, and how many is said (A8)', { timeout: 10_000 }, () => {
    const error = travelBare(
      new AggregateError(
        Array.from({ length: 100_000 }, (_, i) => new Error(`${i}`)),
        'many',
      ),
    );
    assert.equal((error['errors'] as unknown[]).length, 99);
    assert.deepEqual(error['droppedKeys'], ['errors: <99901 more>']);
  });

  test('a message of 50 MB is cut (A8)', { timeout: 10_000 }, () => {
    const error = travelBare(new Error('m'.repeat(50_000_000)));
    assert.ok(error.message.length < 70_000 && error.stack!.length < 140_000);
    assert.match(error.message, /\.\.\. \[50000000 characters\]$/);
  });

  test('a million properties are cut at 1 000 (A8)', { timeout: 20_000 }, () => {
    const error = new Error('wide') as Error & Record<string, unknown>;
    for (let i = 0; i < 1_000_000; i++) error[`key${i}`] = i;
    const back = travelBare(error);
    assert.equal(Object.keys(back).length, 1_001);
    assert.equal(back['key999'], 999);
    assert.deepEqual(back['droppedKeys'], ['<999000 more>']);
  });

  test('a DOMException keeps its slots (A9)', () => {
    const error = travelBare(new DOMException('stopped', 'AbortError'));
    assert.ok(error instanceof DOMException && error instanceof Error);
    assert.deepEqual([error.name, error.message, error.code], ['AbortError', 'stopped', 20]);
    assert.match(error.stack!, /thrown\.test/);
  });

  test('a SuppressedError, or what stands for it (A9)', () => {
    const Suppressed = (Reflect.get(globalThis, 'SuppressedError') ?? Error) as unknown as new () => Error;
    const error = travelBare(
      Object.assign(new Suppressed(), { error: new TypeError('1'), suppressed: new RangeError('2') }),
    );
    assert.equal(Object.getPrototypeOf(error), Suppressed.prototype);
    assert.ok(error['error'] instanceof TypeError && error['suppressed'] instanceof RangeError);
  });

  test('errors of another realm are of our classes (A9)', () => {
    for (const name of ['Error', 'TypeError', 'RangeError', 'AggregateError']) {
      const error = travelBare(
        runInNewContext(`Object.assign(new ${name}(${name === 'AggregateError' ? '[]' : '"m"'}), { code: 'E' })`),
      );
      assert.equal(Object.getPrototypeOf(error), (Reflect.get(globalThis, name) as typeof Error).prototype);
      assert.deepEqual([error.name, error['code']], [name, 'E']);
    }
  });

  test('errors of Node keep name, code and fields', () => {
    let thrown: unknown;
    try {
      Buffer.alloc('x' as never);
    } catch (error) {
      thrown = error;
    }
    const error = travelBare(thrown);
    assert.ok(error instanceof TypeError);
    assert.deepEqual(
      [error.name, error['code'], error['droppedKeys']],
      ['TypeError', 'ERR_INVALID_ARG_TYPE', undefined],
    );
  });

  test('errors of manycore are instances of their classes, with their fields', () => {
    const worker = { workerId: 1, pid: 2, exitCode: null, signal: 'SIGKILL', phase: 'running', oomHint: true } as const;
    const lost = new WorkerLostError('lost', worker, task);
    const [timeout, poison, range, refused] = [
      travelBare(new TaskTimeoutError('late', task, 50)),
      travelBare(new PoisonTaskError('poison', task, 3, { cause: lost })),
      travelBare(new ArgumentRangeError('range')),
      travelBare(new SerializationError('no', 'result', '$.a')),
    ];
    assert.ok(timeout instanceof TaskTimeoutError && timeout instanceof ManycoreError);
    assert.ok(!(timeout instanceof WorkerLostError));
    assert.deepEqual(
      [timeout.task, timeout.timeoutMs, timeout.code, timeout.name],
      [task, 50, 'ERR_MANYCORE_TASK_TIMEOUT', 'TaskTimeoutError'],
    );
    assert.ok(poison instanceof PoisonTaskError && poison.cause instanceof WorkerLostError);
    assert.deepEqual([poison.attempts, poison.cause.signal, poison.cause.oomHint], [3, 'SIGKILL', true]);
    assert.ok(range instanceof RangeError && range instanceof ArgumentRangeError && range instanceof ManycoreError);
    assert.ok(refused instanceof SerializationError);
    assert.deepEqual([refused.phase, refused.path], ['result', '$.a']);
    for (const error of [timeout, poison, range, refused]) assert.deepEqual(error['droppedKeys'], undefined);
  });

  test("a user's own class on top of one of manycore's", async () => {
    class MyTimeout extends ManycoreError {
      readonly extra = 1;
    }
    const error = await travelThrown(new MyTimeout('m'));
    assert.ok(error instanceof MyTimeout && error instanceof ManycoreError);
    assert.equal(error.extra, 1);
  });
});
