/* oxlint-disable no-sparse-arrays -- holes are what this is about */
import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { SerializationError } from 'manycore';
import { decodeColumn, encodeColumn } from '#internal/wire/column.js';
import { Decoder } from '#internal/wire/decoder.js';
import { encodeAhead } from '#internal/wire/encoded-message.js';
import { Encoder } from '#internal/wire/encoder.js';
import { Reader } from '#internal/wire/reader.js';
import { Writer } from '#internal/wire/writer.js';
import { decode, encode, travel } from './travel.ts';

const messages = 0;

/** The way of a batch: which packing it took, and what arrives. */
function travelColumn(values: readonly unknown[]): { readonly packing: number; readonly back: unknown[] } {
  const encoder = new Encoder();
  const writer = new Writer(16);
  const failure = encodeColumn(encoder, writer, ['before', ...values, 'after'], 1, values.length + 1, 'args');
  assert.equal(failure, undefined);
  const decoder = new Decoder(undefined, new Map());
  decoder.attachments = encoder.attachments.map(({ buffer }) => buffer);
  const reader = new Reader(Buffer.from(writer.written()));
  const back = decodeColumn(decoder, reader, values.length, (i, error) => assert.fail(`${i}: ${String(error)}`));
  assert.equal(reader.at, reader.end);
  return { packing: writer.bytes[0]!, back };
}

describe('wire: batches of values that are alike are packed', () => {
  const alike: Readonly<Record<string, readonly unknown[]>> = {
    integers: [1, -1, 2 ** 31 - 1, -(2 ** 31)],
    'integers and -0': [1, -0],
    'doubles, NaN and infinities': [1.5, NaN, -0, Infinity, 2 ** 53],
    strings: ['', 'a', '\u4e16', '\ud800', 'x'.repeat(1_000)],
    'nothing but undefined': [undefined, undefined],
    'primitives of several kinds': [1, 'a', null, undefined, true, -0, 2n ** 70n, -1n],
    booleans: [true, false],
    'tuples of primitives of several kinds': [
      [true, null, 1n, 'a'],
      [false, 2, -2n, undefined],
    ],
    tuples: [
      [1, 'a', undefined],
      [-0, '\u4e16', undefined],
    ],
    records: [
      { a: 1, b: 'x' },
      { a: 2.5, b: '' },
    ],
    'records with the key __proto__': [JSON.parse('{"__proto__":1,"a":2}'), JSON.parse('{"__proto__":3,"a":4}')],
    'records with keys like indices': [
      { 1: 'a', 0: 'b' },
      { 1: 'c', 0: 'd' },
    ],
  };
  for (const [name, values] of Object.entries(alike)) {
    test(name, () => {
      const { packing, back } = travelColumn(values);
      assert.notEqual(packing, messages);
      assert.deepStrictEqual(back, values);
      assert.equal(inspect(back), inspect(values));
      for (const value of back) {
        if (typeof value === 'object' && value !== null && !Array.isArray(value))
          assert.equal(Object.getPrototypeOf(value), Object.prototype);
      }
    });
  }
});

describe('wire: what only looks alike goes one by one, as it would alone', () => {
  const symbol = Symbol.for('s');
  const different: Readonly<Record<string, readonly unknown[]>> = {
    'one value': [1],
    'a symbol among primitives': [1, symbol],
    'null among records': [{ a: 1 }, null],
    'records with other keys, or in another order': [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    'a record with one key more': [{ a: 1 }, { a: 1, b: 2 }],
    'nested records': [{ a: { b: 1 } }, { a: { b: 2 } }],
    'records that are shared': Array.from({ length: 3 }, () => travel({ a: [1] })),
    'empty records': [{}, {}],
    'empty tuples': [[], []],
    'tuples with holes': [
      [1, 2],
      [1, ,],
    ],
    'tuples with a hole and a property': [[1, 2], Object.assign([1, ,], { x: 2 })],
    'tuples with properties': [[1, 2], Object.assign([1, 2], { name: 'n' })],
    'frozen tuples': [[1, 2], Object.freeze([1, 2])],
    'frozen records': [{ a: 1 }, Object.freeze({ a: 1 })],
    'records with symbols': [{ a: 1 }, { a: 1, [symbol]: 2 }],
    'records with hidden properties': [{ a: 1 }, Object.defineProperty({ a: 1 }, 'h', { value: 1 })],
    'null-prototype records': [{ a: 1 }, Object.assign(Object.create(null) as object, { a: 1 })],
    'more than 16 columns': [Array.from({ length: 17 }, () => 1), Array.from({ length: 17 }, () => 2)],
    'nested tuples': [[[1]], [[2]]],
  };
  for (const [name, values] of Object.entries(different)) {
    test(name, () => {
      const { packing, back } = travelColumn(values);
      assert.equal(packing, messages);
      const alone = values.map((value) => decode(encode(value)));
      assert.deepStrictEqual(back, alone);
      assert.deepStrictEqual(back, values);
      assert.equal(inspect(back, { showHidden: true }), inspect(values, { showHidden: true }));
      assert.deepEqual(
        back.map((value) => Object.isFrozen(value)),
        values.map((value) => Object.isFrozen(value)),
      );
    });
  }

  test('a Proxy among records or tuples is refused, not read', () => {
    for (const [good, bad] of [
      [{ a: 1 }, new Proxy({ a: 1 }, {})],
      [[1], new Proxy([1], {})],
      [new Proxy([1], {}), [1]],
    ]) {
      const failure = encodeColumn(new Encoder(), new Writer(), [good, bad], 0, 2, 'args');
      assert.match(failure?.error.message ?? '', /a Proxy cannot be sent/);
    }
  });

  test('a getter is read once; one that throws is named with its path', () => {
    let reads = 0;
    const counted = {
      get a(): number {
        return ++reads;
      },
    };
    assert.deepStrictEqual(travelColumn([{ a: 5 }, counted]).back, [{ a: 5 }, { a: 1 }]);
    const bad = {
      get a(): number {
        throw new Error('no');
      },
    };
    const failure = encodeColumn(new Encoder(), new Writer(), [{ a: 1 }, bad], 0, 2, 'result');
    assert.equal(failure?.index, 1);
    assert.ok(failure?.error instanceof SerializationError);
    assert.deepEqual([failure.error.path, failure.error.phase], ['$.a', 'result']);
  });

  test('more undefineds than may come without a byte each', () => {
    const many = new Array<undefined>(70_000).fill(undefined);
    assert.deepStrictEqual(travelColumn(many).back, many);
  });
});

describe('wire: values that cannot be encoded in the middle of a batch', () => {
  test('those before it stay, with their attachments; nothing of it does', () => {
    const encoder = new Encoder();
    const writer = new Writer(16);
    const big = (fill: number): Uint8Array => new Uint8Array(20_000).fill(fill);
    const values = [{ big: big(1) }, { big: big(2), bad: new WeakMap() }, { big: big(3) }];
    const failure = encodeColumn(encoder, writer, values, 0, 3, 'args');
    assert.equal(failure?.index, 1);
    assert.equal(encoder.attachments.length, 1);
    const decoder = new Decoder(undefined, new Map());
    decoder.attachments = encoder.attachments.map(({ buffer }) => buffer);
    const reader = new Reader(Buffer.from(writer.written()));
    assert.deepStrictEqual(decodeColumn(decoder, reader, 1, assert.fail), [values[0]]);
    assert.equal(reader.at, reader.end);
    const again = new Writer();
    encoder.attachments = [];
    assert.equal(encodeColumn(encoder, again, [values[0], values[2]], 0, 2, 'args'), undefined);
    assert.equal(encoder.attachments.length, 2);
  });

  test('a value that cannot be decoded harms no other', () => {
    const encoder = new Encoder();
    const writer = new Writer();
    encodeColumn(encoder, writer, [{ a: 1 }, /a/, { b: 2 }], 0, 3, 'args');
    const bytes = Buffer.from(writer.written());
    bytes[bytes.indexOf('a', 12)] = 0x28; // an unclosed group
    const failed: number[] = [];
    const back = decodeColumn(new Decoder(undefined, new Map()), new Reader(bytes), 3, (i, error) => {
      assert.equal((error as { code?: string }).code, 'ERR_MANYCORE_PROTOCOL');
      assert.match(String(error), /Invalid regular expression/);
      failed.push(i);
    });
    assert.deepEqual(failed, [1]);
    assert.deepStrictEqual([back[0], back[2]], [{ a: 1 }, { b: 2 }]);
  });
});

describe('wire: messages encoded ahead', () => {
  test('are embedded with their attachments at any place, several times', () => {
    const ahead = encodeAhead(new Encoder(), { big: new Uint8Array(20_000).fill(9), small: [1, 'x'] });
    const encoder = new Encoder();
    const writer = new Writer(16);
    const own = { mine: new Uint8Array(30_000).fill(1) };
    const values = [ahead, own, ahead, 'between', ahead];
    assert.equal(encodeColumn(encoder, writer, values, 0, 5, 'args'), undefined);
    assert.equal(encoder.attachments.length, 4);
    const decoder = new Decoder(undefined, new Map());
    decoder.attachments = encoder.attachments.map(({ buffer }) => buffer);
    const back = decodeColumn(decoder, new Reader(writer.written()), 5, (_, error) => assert.fail(error as Error));
    const expected = { big: new Uint8Array(20_000).fill(9), small: [1, 'x'] };
    assert.deepStrictEqual(back, [expected, own, expected, 'between', expected]);
  });

  test('with more than 127 attachments before them', () => {
    const ahead = encodeAhead(new Encoder(), new Uint8Array(16_384).fill(200));
    const values = Array.from({ length: 300 }, () => ahead);
    const encoder = new Encoder();
    const writer = new Writer();
    encodeColumn(encoder, writer, values, 0, 300, 'args');
    const decoder = new Decoder(undefined, new Map());
    decoder.attachments = encoder.attachments.map(({ buffer }) => buffer);
    const back = decodeColumn(decoder, new Reader(writer.written()), 300, (_, error) => assert.fail(error as Error));
    assert.ok(back.every((value) => (value as Uint8Array)[0] === 200));
  });

  test('a failure leaves the encoder clean for the next', () => {
    const encoder = new Encoder();
    assert.throws(() => encodeAhead(encoder, [new Uint8Array(20_000), new WeakMap()]), SerializationError);
    assert.equal(encodeAhead(encoder, new Uint8Array(20_000)).attachments.length, 1);
    assert.equal(encoder.attachments.length, 0);
  });
});
