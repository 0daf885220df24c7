import { strict as assert } from 'node:assert';
import { DataDecoder } from '#internal/wire/data-decoder.js';
import { DataEncoder, type DataEncoderOptions } from '#internal/wire/data-encoder.js';
import { DataTag } from '#internal/wire/data-tags.js';
import { Reader } from '#internal/wire/reader.js';
import { Writer } from '#internal/wire/writer.js';
import { maxBigIntDigits } from '#internal/limits.js';
import { testClean } from '../matrix.ts';

function encode(value: unknown, options: DataEncoderOptions = {}): Buffer {
  const writer = new Writer();
  new DataEncoder(options).message(writer, value);
  return writer.take();
}

function decode(bytes: Buffer): unknown {
  const decoder = new DataDecoder();
  decoder.begin(new Reader(bytes));
  return decoder.message();
}

const travel = (value: unknown): unknown => decode(encode(value));

function chain(length: number, last: Error): Error {
  let error = last;
  for (let i = 1; i < length; i++) error = new Error(`${i}`, { cause: error });
  return error;
}

testClean('data: a chain of errors takes time with its length, and not with the powers of two (I10)', {}, () => {
  let deepest = travel(chain(200, new Error('the last'))) as Error;
  while (deepest.cause !== undefined) deepest = deepest.cause as Error;
  assert.equal(deepest.message, 'the last');
});

testClean('data: errors that know each other arrive so, and as one each (I10)', {}, () => {
  const a = new Error('a');
  const b = new Error('b', { cause: a });
  Object.assign(a, { other: b, self: a });
  const there = travel([a, b]) as [Error & { other: Error; self: Error }, Error];
  assert.equal(there[0].other, there[1]);
  assert.equal(there[0].self, there[0]);
  assert.equal(there[1].cause, there[0]);
});

testClean('data: what is no data in an error is left out alone, and what is behind it arrives (I10)', {}, () => {
  const shared = { deep: [1] };
  class Socket {}
  const error = Object.assign(new Error('x'), {
    first: shared,
    lost: { shared, more: [{ a: 1, b: 2 }, new Socket()] },
    second: shared,
    shape: { a: 3, b: 4 },
  });
  const there = travel({ error, again: shared, last: { a: 5, b: 6 } }) as {
    readonly error: typeof error;
    readonly again: unknown;
    readonly last: unknown;
  };
  assert.equal('lost' in there.error, false);
  assert.deepEqual(there.error.first, shared);
  assert.equal(there.error.second, there.error.first);
  assert.equal(there.again, there.error.first);
  assert.deepEqual(
    [there.error.shape, there.last],
    [
      { a: 3, b: 4 },
      { a: 5, b: 6 },
    ],
  );
});

testClean('data: what is written in vain of errors within errors has an end (I10)', {}, () => {
  // Each of its fields holds the next one, and fails behind it: written again and again, that would be 2 ** 40 times.
  let error: Error = new Error('the last');
  const filler = 'x'.repeat(1_000);
  for (let i = 0; i < 40; i++) {
    const next = error;
    const lost = [next, filler, Symbol('no data')];
    error = Object.assign(new Error(`${i}`), { a: lost, b: [...lost], c: [...lost] });
  }
  assert.equal((travel(error) as Error).message, '39');
});

testClean(
  'data: errors that others are told of are short, and say where they come from only if they may (2.5)',
  {},
  () => {
    const inner = new AggregateError([new Error('y'.repeat(200))], 'x'.repeat(200));
    const bytes = encode(new Error('top', { cause: inner }), { maxErrorText: 100, stacks: false });
    assert.equal(bytes.includes('data.test'), false, 'no stack');
    const { cause } = decode(bytes) as { readonly cause: AggregateError };
    assert.equal(cause.message, `${'x'.repeat(100)}...`);
    assert.equal((cause.errors[0] as Error).message, `${'y'.repeat(100)}...`);
  },
);

testClean('data: a count is charged before anything is made of it (I10, 2.5)', {}, () => {
  const bytes = 1_000_000;
  const nested: number[] = [];
  // Each level says that all that is left is its own.
  while (nested.length < 900 * 4)
    nested.push(DataTag.array, 0x80 | (900_000 & 0x7f), 0x80 | ((900_000 >> 7) & 0x7f), 900_000 >> 14);
  const before = process.memoryUsage().rss;
  assert.throws(() => decode(Buffer.concat([Buffer.from(nested), Buffer.alloc(bytes, DataTag.null)])), {
    name: 'ProtocolError',
    message: /more than 1000000 values/,
  });
  assert.ok(process.memoryUsage().rss - before < 100 * 2 ** 20, 'not 900 arrays');
});

testClean('data: holes are undefined, beside numbers too', {}, () => {
  const holes = new Array<number>(3);
  holes[0] = 1;
  holes[2] = 3;
  assert.deepEqual(travel(holes), [1, undefined, 3]);
  assert.deepEqual(travel(new Array(2)), [undefined, undefined]);
});

testClean('data: a BigInt has an end (2.5)', {}, () => {
  const most = 16n ** BigInt(maxBigIntDigits) - 1n;
  assert.equal(travel(most), most);
  assert.throws(() => encode(most + 1n), { name: 'SerializationError' });
  const digits = Buffer.alloc(maxBigIntDigits + 2, '1');
  const head = new Writer();
  head.u8(DataTag.bigint);
  head.varint(digits.length * 2);
  assert.throws(() => decode(Buffer.concat([head.take(), digits])), { name: 'ProtocolError' });
});
