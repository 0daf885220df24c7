import { strict as assert } from 'node:assert';
import { DataDecoder, unfinished } from '#internal/wire/data-decoder.js';
import { DataEncoder } from '#internal/wire/data-encoder.js';
import { DataTag } from '#internal/wire/data-tags.js';
import { FillTime } from '#internal/wire/fill-time.js';
import { Reader } from '#internal/wire/reader.js';
import { Writer } from '#internal/wire/writer.js';
import { dumps } from '#internal/connection/pickle/encode.js';
import { loads } from '#internal/connection/pickle/decode.js';
import { testClean } from '../matrix.ts';

const bits = 2n ** 64n - 1n;
const inverse = (of: bigint): bigint => {
  let x = of;
  for (let i = 0; i < 7; i++) x = (x * (2n - of * x)) & bits;
  return x;
};
const unshift = (of: bigint, by: bigint): bigint => {
  let x = of;
  for (let i = 0n; i < 64n; i += by) x = of ^ (x >> by);
  return x;
};
const [of65, of21, of18] = [inverse(65n), inverse(21n), inverse(2n ** 18n - 1n)];

/** Numbers that V8 puts into one bucket: its hash of a double, backwards. */
function colliding(count: number): number[] {
  const keys: number[] = [];
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 1n; keys.length < count; i++) {
    let hash = (unshift((i << 30n) | 12_345n, 22n) * of65) & bits;
    hash = (unshift(hash, 11n) * of21) & bits;
    view.setBigUint64(0, ((unshift(hash, 31n) + 1n) * of18) & bits);
    const key = view.getFloat64(0);
    if (Number.isFinite(key) && key !== (key | 0)) keys.push(key);
  }
  return keys;
}

testClean('fill time: keys that were chosen to collide do not stop a server (I10)', { limit: 120_000 }, () => {
  const keys = colliding(100_000);
  const writer = new Writer();
  writer.u8(DataTag.set);
  writer.varint(keys.length);
  for (const key of keys) new DataEncoder().message(writer, key);
  const decoder = new DataDecoder();
  decoder.begin(new Reader(writer.written()));
  assert.throws(() => decoder.message(), { name: 'ProtocolError', message: /takes more than/ });
});

testClean('fill time: it is the same time when they are read in slices (I10)', { limit: 120_000 }, () => {
  const keys = colliding(100_000);
  const writer = new Writer();
  const encoder = new DataEncoder();
  // Between two entries something else is read, in which it stops.
  writer.u8(DataTag.map);
  writer.varint(keys.length);
  for (const key of keys) {
    encoder.message(writer, key);
    encoder.message(writer, ['', '']);
  }
  const decoder = new DataDecoder();
  decoder.begin(new Reader(writer.written()));
  assert.throws(
    () => {
      while (decoder.message(() => true) === unfinished);
    },
    { name: 'ProtocolError', message: /takes more than/ },
  );
});

testClean('fill time: only what is filled counts, a look at a time', {}, () => {
  const time = new FillTime(-1);
  time.begin();
  for (let i = 1; i < 256; i++) assert.equal(time.isOver(), false);
  assert.equal(time.isOver(), true);
  const long = new FillTime(60_000);
  long.begin();
  for (let i = 0; i < 10_000; i++) assert.equal(long.isOver(), false);
});

testClean('fill time: large maps and sets are read', {}, () => {
  const value = new Map(Array.from({ length: 10_000 }, (_, i) => [i, i]));
  assert.equal((loads(dumps(value)) as Map<unknown, unknown>).size, 10_000);
  assert.equal((loads(dumps(new Set(value.keys()))) as Set<unknown>).size, 10_000);
});
