import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { decodeColumn, encodeColumn } from '#internal/wire/column.js';
import { Decoder } from '#internal/wire/decoder.js';
import { encodeAhead } from '#internal/wire/encoded-message.js';
import { Encoder } from '#internal/wire/encoder.js';
import { FrameAssembler, frameHead } from '#internal/wire/frame.js';
import { Reader } from '#internal/wire/reader.js';
import { Writer } from '#internal/wire/writer.js';
import { decode, encode, travel } from './travel.ts';

const seed = Number(process.env['MANYCORE_FUZZ_SEED'] ?? 7);

/** Data of every kind that fast-check knows. */
const anything = fc.anything({
  maxDepth: 4,
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  stringUnit: 'binary',
});

/** Objects, arrays, Maps and Sets that refer to one another at random: cycles and shared references of every kind. */
const graph = fc
  .array(fc.record({ kind: fc.nat(5), links: fc.array(fc.nat(30), { maxLength: 4 }) }), { minLength: 1, maxLength: 30 })
  .map((plan) => {
    const nodes: object[] = plan.map(({ kind }, i): object => {
      switch (kind) {
        case 0:
          return [];
        case 1:
          return new Map();
        case 2:
          return new Set();
        case 3:
          return new Error(`node ${i}`);
        case 4:
          return Object.create(null) as object;
        default:
          return { i };
      }
    });
    for (const [i, { links }] of plan.entries()) {
      for (const [l, link] of links.entries()) {
        const [node, target] = [nodes[i]!, nodes[link % nodes.length]!];
        if (Array.isArray(node)) node.push(target);
        else if (node instanceof Map) node.set(target, l).set(l, target);
        else if (node instanceof Set) node.add(target);
        else Reflect.set(node, `link${l}`, target);
      }
    }
    return nodes;
  });

/** The nodes in the order in which a walk meets them, each as the numbers of what it leads to: equal for equal graphs. */
function outline(root: unknown): string[] {
  const numbers = new Map<unknown, number>([[root, 0]]);
  const lines: string[] = [];
  for (const node of numbers.keys()) {
    const members: unknown[] = [];
    if (node instanceof Map) for (const [key, value] of node) members.push(key, value);
    else if (node instanceof Set) members.push(...node);
    else members.push(...Object.entries(node as object).flat());
    const parts = members.map((member) => {
      if (typeof member !== 'object' || member === null) return String(member);
      if (!numbers.has(member)) numbers.set(member, numbers.size);
      return `#${numbers.get(member)!}`;
    });
    lines.push(`${Object.prototype.toString.call(node)} ${node instanceof Error ? node.message : ''} ${parts.join()}`);
  }
  return lines;
}

describe('wire: properties', () => {
  test('any data is deeply equal to itself after the journey (A13)', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(anything, (value) => {
        const back = travel(value);
        // On Node 20 two invalid dates are not equal.
        assert.ok(isDeepStrictEqual(back, value) || encode(back).bytes.equals(encode(value).bytes));
      }),
      { seed, numRuns: 2_000 },
    );
  });

  test('what arrives is written as the same bytes again', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(anything, (value) => {
        const once = encode(value);
        assert.deepEqual(encode(decode(once)).bytes, once.bytes);
      }),
      { seed, numRuns: 1_000 },
    );
  });

  test('cycles and shared references keep their form (A13)', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(graph, (nodes) => {
        assert.deepEqual(outline(travel(nodes)), outline(nodes));
      }),
      { seed, numRuns: 1_000 },
    );
  });

  test('strings of any units, lone surrogates too', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { maxLength: 200 }), fc.boolean(), (units, narrow) => {
        const text = String.fromCharCode(...units.map((unit) => (narrow ? unit & 0xff : unit)));
        assert.equal(travel(text), text);
        assert.deepStrictEqual(travel({ [text]: text }), { [text]: text });
      }),
      { seed, numRuns: 2_000 },
    );
  });

  test('a batch arrives as its values would one by one, however it is packed', { timeout: 60_000 }, () => {
    const primitive = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(undefined));
    const keys = fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 4 });
    const batch = fc.oneof(
      fc.array(fc.oneof(fc.integer(), fc.constantFrom(-0, NaN, Infinity, 0.5)), { maxLength: 40 }),
      fc.array(fc.string(), { maxLength: 40 }),
      fc.array(fc.tuple(fc.integer(), fc.string(), primitive), { maxLength: 20 }),
      keys.chain((names) =>
        fc.array(fc.record(Object.fromEntries(names.map((name) => [name, primitive])), { requiredKeys: [] }), {
          maxLength: 20,
        }),
      ),
      fc.array(anything, { maxLength: 5 }),
    );
    fc.assert(
      fc.property(batch, fc.nat(3), (values, skip) => {
        const from = Math.min(skip, values.length);
        const encoder = new Encoder();
        const writer = new Writer(16);
        assert.equal(encodeColumn(encoder, writer, values, from, values.length, 'args'), undefined);
        const decoder = new Decoder(undefined, new Map());
        decoder.attachments = encoder.attachments.map(({ buffer }) => buffer);
        const reader = new Reader(Buffer.from(writer.written()));
        const back = decodeColumn(decoder, reader, values.length - from, (_, error) => assert.fail(error as Error));
        assert.equal(reader.at, reader.end);
        const alone = values.slice(from).map((value) => travel(value));
        for (const [i, value] of alone.entries()) assert.ok(encode(back[i]).bytes.equals(encode(value).bytes));
      }),
      { seed, numRuns: 1_500 },
    );
  });

  test('messages encoded ahead arrive among others, with buffers at any place', { timeout: 60_000 }, () => {
    const item = fc.record({ size: fc.constantFrom(0, 10, 16_384, 20_000), ahead: fc.boolean(), fill: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 8 }), (plan) => {
        const values = plan.map(({ size, fill }) => ({
          bytes: new Uint8Array(size).fill(fill),
          twice: new Uint8Array(size),
        }));
        const encoder = new Encoder();
        const writer = new Writer(16);
        const mixed = values.map((value, i) => (plan[i]!.ahead ? encodeAhead(new Encoder(), value) : value));
        encodeColumn(encoder, writer, mixed, 0, mixed.length, 'args');
        const decoder = new Decoder(undefined, new Map());
        decoder.attachments = encoder.attachments.map(({ buffer }) => buffer);
        const back = decodeColumn(decoder, new Reader(writer.written()), mixed.length, (_, error) =>
          assert.fail(error as Error),
        );
        assert.deepStrictEqual(back, values);
      }),
      { seed, numRuns: 200 },
    );
  });

  test('frames come out as they went in, cut anywhere', { timeout: 60_000 }, () => {
    const frame = fc.record({ body: fc.uint8Array({ maxLength: 60 }), sizes: fc.array(fc.nat(70), { maxLength: 4 }) });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (frames, cuts) => {
          const stream = Buffer.concat(
            frames.flatMap(({ body, sizes }) => {
              const buffers = sizes.map((size) => new Uint8Array(size).fill(size));
              return [frameHead(3, body.length, buffers), body, ...buffers];
            }),
          );
          const got: { body: Uint8Array; sizes: number[] }[] = [];
          const assembler = new FrameAssembler(3, (body, attachments) => {
            for (const buffer of attachments)
              assert.ok(new Uint8Array(buffer).every((byte) => byte === buffer.byteLength));
            got.push({ body: new Uint8Array(body), sizes: attachments.map(({ byteLength }) => byteLength) });
          });
          for (let at = 0, i = 0; at < stream.length; i++) {
            const end = at + cuts[i % cuts.length]!;
            assembler.push(stream.subarray(at, end));
            at = end;
          }
          assert.deepStrictEqual(
            got,
            frames.map(({ body, sizes }) => ({ body: new Uint8Array(body), sizes: [...sizes] })),
          );
        },
      ),
      { seed, numRuns: 500 },
    );
  });
});
