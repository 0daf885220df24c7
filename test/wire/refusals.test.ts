import { strict as assert } from 'node:assert';
import { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { SerializationError } from 'manycore';
import { Encoder } from '#internal/wire/encoder.js';
import { Writer } from '#internal/wire/writer.js';
import { encode, travelWithClasses } from './travel.ts';

function* generate(): Generator<number> {
  yield 1;
}

function args(): unknown {
  return arguments;
}

describe('wire: what cannot travel is named with its path (A10)', () => {
  const refused: readonly (readonly [name: string, value: unknown, path: string, message: RegExp])[] = [
    ['a Promise', { a: [0, { p: Promise.resolve(1) }] }, '$.a[1].p', /a Promise cannot be sent. Await it first/],
    ['a WeakMap', new Map([['k', new WeakMap()]]), '$.get("k")', /a WeakMap cannot be sent. It lives in this process/],
    ['a WeakSet', new Set([1, new WeakSet()]), '$.values()[1]', /a WeakSet cannot be sent/],
    ['a WeakRef', { 'odd key': new WeakRef({}) }, '$["odd key"]', /a WeakRef cannot be sent/],
    ['a running generator', [generate()], '$[0]', /a running generator cannot be sent. Send what it yields/],
    ['an iterator of a Map', [new Map().entries()], '$[0]', /a running iterator cannot be sent. Send what it yields/],
    ['an iterator of an array', [[].values()], '$[0]', /a running iterator cannot be sent/],
    ['an iterator of a string', [''[Symbol.iterator]()], '$[0]', /a running iterator cannot be sent/],
    ['arguments', [args()], '$[0]', /a list of `arguments` cannot be sent/],
    ['a Proxy of an object', { a: new Proxy({}, {}) }, '$.a', /a Proxy cannot be sent. Send a plain copy/],
    ['a Proxy of an array', { a: new Proxy([], {}) }, '$.a', /a Proxy cannot be sent/],
    ['a Proxy of a Map', { a: new Proxy(new Map(), {}) }, '$.a', /a Proxy cannot be sent/],
    [
      'a Proxy with throwing traps',
      {
        a: new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('trap');
            },
          },
        ),
      },
      '$.a',
      /a Proxy cannot be sent/,
    ],
    ['a function where none may come', { f: () => 1 }, '$.f', /functions do not travel here/],
    ['a value under a symbol', { [Symbol.for('s')]: new WeakMap() }, '$[Symbol(s)]', /WeakMap/],
    ['a value of a frozen object', Object.freeze({ a: new WeakMap() }), '$.a', /WeakMap/],
    ['the cause of an error', new Error('e', { cause: new WeakMap() }), '$.cause', /WeakMap/],
  ];
  for (const [name, value, path, message] of refused) {
    test(name, () => {
      assert.throws(
        () => encode(value),
        (error) => {
          assert.ok(error instanceof SerializationError);
          assert.equal(error.path, path);
          assert.match(error.message, message);
          assert.ok(error.message.startsWith(`Cannot send ${path}: `), error.message);
          return true;
        },
      );
    });
  }

  test('a socket, with advice', async () => {
    const socket = new Socket();
    await assert.rejects(travelWithClasses({ db: { socket } }), {
      path: '$.db.socket',
      message: /it is a net.Socket, which lives in this process. Open it inside the worker/,
    });
    socket.destroy();
  });

  test('a function of another realm', async () => {
    await assert.rejects(travelWithClasses({ f: runInNewContext('parseInt') as unknown }), { path: '$.f' });
  });
});

describe('wire: values that fail when they are read (A11)', () => {
  const thrower = {
    get bad(): never {
      throw new RangeError('from the getter');
    },
  };

  for (const [name, value, path] of [
    ['in an object', { a: { ok: 1, thrower } }, '$.a.thrower.bad'],
    ['in a list', [1, thrower], '$[1].bad'],
    ['in a Map', new Map([[1, thrower]]), '$.get(1).bad'],
    ['on an error', Object.assign(new Error('e'), { thrower }), '$.thrower.bad'],
  ] as const) {
    test(`a getter ${name}: the error has the path and the getter's own error`, () => {
      assert.throws(
        () => encode(value),
        (error) => {
          assert.ok(error instanceof SerializationError);
          assert.equal(error.path, path);
          assert.match(error.message, /reading it failed with "from the getter"/);
          assert.ok(error.cause instanceof RangeError);
          return true;
        },
      );
    });
  }

  test('the path to something very deep is shortened in the middle', () => {
    let value: unknown = new WeakMap();
    for (let i = 0; i < 100_000; i++) value = { next: value };
    assert.throws(
      () => encode(value),
      (error) => {
        assert.ok(error instanceof SerializationError);
        assert.match(error.path, /^\$(?:\.next){50}\.\.\.\[99900 more\]\.\.\.(?:\.next){50}$/);
        return true;
      },
    );
  });

  test('after a refusal nothing of it is left, and the next message is right', () => {
    const encoder = new Encoder();
    const writer = new Writer(16);
    encoder.message(writer, 'before');
    const length = writer.length;
    assert.throws(() => encoder.message(writer, { big: new ArrayBuffer(50_000), deep: [[{ bad: new WeakMap() }]] }));
    assert.equal(writer.length, length);
    assert.deepEqual(encoder.attachments, []);
    encoder.message(writer, { a: { b: 1 } });
    assert.deepEqual(writer.written().subarray(length), encode({ a: { b: 1 } }).bytes);
  });
});
