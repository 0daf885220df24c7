import { strict as assert } from 'node:assert';
import { maxDataNodes, maxInnerBytes } from '#internal/limits.js';
import { DataDecoder, unfinished } from '#internal/wire/data-decoder.js';
import { DataEncoder } from '#internal/wire/data-encoder.js';
import { DataTag } from '#internal/wire/data-tags.js';
import { Reader } from '#internal/wire/reader.js';
import { Writer } from '#internal/wire/writer.js';
import { collectGarbage, testClean } from '../matrix.ts';

/** A decoder looks whether it is late after so many values. */
const perLook = 256;

function bytesOf(...values: readonly unknown[]): Buffer {
  const writer = new Writer();
  const encoder = new DataEncoder();
  for (const value of values) encoder.message(writer, value);
  return Buffer.from(writer.written());
}

/** One message by a decoder that is always late. Between two slices what is left of the frame moves to other memory. */
function inSlices(decoder: DataDecoder, reader: Reader): { readonly value: unknown; readonly slices: number } {
  let at = reader;
  for (let slices = 1; ; slices++) {
    const value = decoder.message(() => true);
    if (value !== unfinished) return { value, slices };
    at = new Reader(Buffer.from(at.bytes.subarray(at.at, at.end)));
    decoder.goOn(at);
  }
}

/** Something of every kind, with a cycle, and with what is told by its place in the message behind it. */
function everything(): unknown {
  const keys = (count: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i % 3 === 0 ? { i } : i]));
  const error = Object.assign(new RangeError('wrong', { cause: { deep: [1, 'a'] } }), { code: ['E', {}], self: null });
  const cycle: unknown[] = ['first'];
  cycle.push(cycle, new Map<unknown, unknown>([[['a', 'key'], cycle]]), new Set([[1, 'x'], cycle]));
  return [
    cycle,
    keys(5),
    keys(300),
    keys(300),
    JSON.parse('{ "__proto__": [1, "x"], "toString": { "a": [] } }'),
    Array.from({ length: 5_000 }, (_, i) => i / 2),
    new Map(Array.from({ length: 300 }, (_, i) => [{ i }, [`${i}`, {}]])),
    new Set(Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? i : [i, '']))),
    [error, error, new Date(1), Buffer.from('bytes'), Float64Array.of(1, 2), 10n, -5, 1.5, undefined, null, true],
    [[[[[[[], {}]]]]], cycle],
  ];
}

testClean('data: a message that is read in slices is the same, wherever it is stopped (2.3)', {}, () => {
  for (let shift = 0; shift < perLook; shift++) {
    const value = [...Array.from({ length: shift }, () => ''), everything()];
    const reader = new Reader(bytesOf(value, 'the next'));
    const decoder = new DataDecoder();
    decoder.begin(reader);
    const read = inSlices(decoder, reader);
    assert.deepStrictEqual(read.value, value, `stopped at ${shift}`);
    assert.ok(read.slices > 10);
    assert.equal(decoder.message(), 'the next');
  }
});

testClean('data: a message is over at its last value, also when it is late then', {}, () => {
  for (let count = perLook - 2; count < perLook + 2; count++) {
    const value = Array.from({ length: count }, () => 'x');
    const reader = new Reader(bytesOf(value));
    const decoder = new DataDecoder();
    decoder.begin(reader);
    assert.deepEqual(inSlices(decoder, reader), { value, slices: count >= perLook ? 2 : 1 });
  }
});

testClean('data: a budget is one for all slices, and what is malformed is refused in each (I10)', {}, () => {
  const head = [DataTag.array, ...varint(1_000), ...Array.from({ length: 600 }, () => DataTag.null)];
  const spoilt: Record<string, readonly number[]> = {
    'an unknown kind': [200],
    'more than there is': [DataTag.string, ...varint(2 ** 20)],
    'more than it may have': [DataTag.array, ...varint(maxDataNodes)],
    'a key twice': [DataTag.shape, ...varint(300), ...Array.from({ length: 600 }, (_, i) => [2, 97][i % 2]!)],
  };
  for (const [what, bytes] of Object.entries(spoilt)) {
    const reader = new Reader(Buffer.concat([Buffer.from([...head, ...bytes]), Buffer.alloc(2 * maxDataNodes)]));
    const decoder = new DataDecoder();
    decoder.begin(reader);
    if (what === 'more than there is') reader.end = head.length + bytes.length;
    assert.throws(() => inSlices(decoder, reader), { name: 'ProtocolError' }, what);
    // Nothing of it is left for the next one.
    const next = new Reader(bytesOf(['next', {}]));
    decoder.begin(next);
    assert.deepEqual(decoder.message(), ['next', {}]);
  }
});

testClean('data: what lies in special values counts too, and is small (2.3)', {}, () => {
  const inner = bytesOf(['a', 'b', 'c']);
  const special = [DataTag.special, ...inner];
  const count = 1_000;
  const bytes = Buffer.from([DataTag.array, ...varint(count), ...Array.from({ length: count }, () => special).flat()]);
  const reader = new Reader(bytes);
  const decoder = new DataDecoder((each) => each.value());
  decoder.begin(reader);
  const { value, slices } = inSlices(decoder, reader);
  assert.deepEqual(
    value,
    Array.from({ length: count }, () => ['a', 'b', 'c']),
  );
  assert.ok(slices > (4 * count) / perLook - 2, `${slices} slices`);

  const refused = new Map([
    [bytesOf(new Uint8Array(maxInnerBytes)), /ends \d+ bytes early/],
    [Buffer.from([DataTag.special, DataTag.null]), /where none may come/],
  ]);
  for (const [content, message] of refused) {
    decoder.begin(new Reader(Buffer.concat([Buffer.from([DataTag.special]), content])));
    assert.throws(() => decoder.message(), { name: 'ProtocolError', message });
  }
});

testClean('data: many messages of one value count as values of one do', {}, () => {
  const reader = new Reader(bytesOf(...Array.from({ length: 1_000 }, (_, i) => i)));
  const decoder = new DataDecoder();
  decoder.begin(reader);
  const read: unknown[] = [];
  let stops = 0;
  while (read.length < 1_000) {
    const value = decoder.message(() => true);
    if (value === unfinished) stops++;
    else read.push(value);
  }
  assert.deepEqual([read.at(-1), stops], [999, Math.floor(1_000 / perLook)]);
});

testClean('data: a decoder keeps nothing of what it has read', {}, () => {
  const decoder = new DataDecoder();
  const heap = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = heap();
  for (let depth = 0; depth < 20; depth++) {
    // Keys of a megabyte, each time one level deeper.
    let value: unknown = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`${depth} ${i} ${'x'.repeat(4_000)}`, i]),
    );
    for (let i = 0; i < depth; i++) value = [value];
    decoder.begin(new Reader(bytesOf(value)));
    decoder.message();
  }
  assert.ok(heap() - before < 5 * 2 ** 20);
  decoder.begin(new Reader(bytesOf('it is still there')));
  assert.equal(decoder.message(), 'it is still there');
});

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}
