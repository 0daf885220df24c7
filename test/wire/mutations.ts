/* oxlint-disable no-sparse-arrays -- holes are what this is about */
import { FrameTooLargeError, ProtocolError } from 'manycore';
import { decodeColumn, encodeColumn } from '#internal/wire/column.js';
import { Decoder } from '#internal/wire/decoder.js';
import { Encoder } from '#internal/wire/encoder.js';
import { decodeThrown, encodeThrown } from '#internal/wire/error-codec.js';
import type { Definition, FunctionBuilder, FunctionReader } from '#internal/wire/forms.js';
import { FrameAssembler, frameHead } from '#internal/wire/frame.js';
import { Inbox } from '#internal/wire/inbox.js';
import { Outbox } from '#internal/wire/outbox.js';
import { Reader } from '#internal/wire/reader.js';
import { Writer } from '#internal/wire/writer.js';

/** Spoils well-formed bytes in every way and reads them: the only right answers are a value and a typed refusal. */

type Random = () => number;

/** A small generator of numbers from 0 to 1 (mulberry32): the same ones for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
  readonly read: (bytes: Buffer) => unknown;
}

export interface Finding {
  readonly seed: number;
  readonly sample: string;
  readonly bytes: Buffer;
  readonly problem: string;
  readonly error?: unknown;
}

const generation = 5;
const reference: Definition = { define: 'reference', loads: false, kind: 'test' };
const code: Definition = { define: 'code', names: ['a'], text: 'a' };

/** Stands in for the closure layer: each form of function once, without source text. */
const functions: FunctionReader = {
  begin() {},
  end() {},
  formOf(fn) {
    if (fn.name === 'reference') return { form: 'reference', reference };
    if (fn.name === 'identity') return { form: 'identity', identity: 'class' };
    if (fn.name.startsWith('bound')) return { form: 'bound', target: Math.max, self: undefined, args: [1, 'x'] };
    const own = [{ key: 'tag', descriptor: { value: 1, enumerable: true, configurable: true, writable: true } }];
    return {
      form: 'parts',
      parts: {
        code,
        captured: [{ v: fn }],
        labels: ['a'],
        first: [undefined],
        identity: 'id',
        own,
        prototype: [],
        prototypeParent: undefined,
        parent: undefined,
      },
    };
  },
  referenceOf: () => undefined,
  privateFieldsOf: (instance) => ('secret' in instance ? [['#secret', 1]] : undefined),
};

const builder: FunctionBuilder = {
  prepare: () => undefined,
  resolve: () => Map,
  instantiate: () => ({ isOriginal: false, value: function made() {}, capture() {} }),
  byIdentity: () => function Known() {},
  instance: (prototype) => ({ value: Object.create(prototype) as object, fill() {} }),
  equip() {},
};

class Pair {
  left = 1;
  right = 'r';
}

function values(): readonly unknown[] {
  const cycle: Record<string, unknown> = { name: 'cycle' };
  cycle['self'] = [cycle];
  let deep: unknown = 1;
  for (let i = 0; i < 250; i++) deep = [deep];
  return [
    [undefined, null, true, false, 1, -1, -0, 1.5, 2 ** 40, 'text', '\u4e16\ud800', 12n ** 30n, -5n],
    [Symbol('s'), Symbol.for('r'), Symbol.iterator, { [Symbol.for('k')]: 1 }],
    [1, 2, 3, -4],
    [1.5, -0, NaN],
    [[, 1], Object.assign([1], { x: 1 }), Object.freeze([1])],
    [{ a: 1, b: 'x' }, { a: 2, b: 'y' }, Object.freeze({ a: 1 }), Object.create(null)],
    new Map<unknown, unknown>([
      ['k', { v: 1 }],
      [1, new Set([1, 'two'])],
    ]),
    [
      new Date(5),
      /a(?<n>b)+/giu,
      new URL('http://a.b/c?d'),
      new URLSearchParams('a=1'),
      Object(1),
      Object('s'),
      Object(1n),
    ],
    [
      new Error('e', { cause: new TypeError('t') }),
      new AggregateError([new RangeError('r')], 'm'),
      new DOMException('d', 'AbortError'),
    ],
    [
      new ArrayBuffer(9),
      new Uint8Array([1, 2, 3]),
      new Float64Array([1, 2]),
      new DataView(new ArrayBuffer(4)),
      Buffer.from('buf'),
    ],
    [new Uint8Array(20_000), { big: new ArrayBuffer(30_000) }],
    [cycle, cycle],
    deep,
    [new Pair(), new Pair(), Object.freeze(new Pair()), Object.assign(new Pair(), { secret: 1 })],
    [function reference() {}, class identity {}, Math.max.bind(undefined, 1), (x: number) => x, Pair.prototype],
  ];
}

export function samples(): Sample[] {
  const definitions = new Map<number, Definition>();
  const all: Sample[] = [];
  const encoder = new Encoder(functions);
  const writer = new Writer(64);
  /** What `write` writes, and a decoder that has what goes beside it. */
  const add = (name: string, write: () => void, read: (decoder: Decoder, reader: Reader) => unknown): void => {
    writer.length = 0;
    encoder.attachments = [];
    write();
    const attachments = encoder.attachments.map(({ buffer }) => buffer);
    const readAll = (bytes: Buffer): unknown => {
      const decoder = new Decoder(builder, definitions);
      decoder.attachments = attachments;
      return read(decoder, new Reader(bytes));
    };
    all.push({ name, bytes: Buffer.from(writer.written()), read: readAll });
  };
  for (const [i, value] of values().entries()) {
    add(
      `message ${i}`,
      () => encoder.message(writer, value),
      (decoder, reader) => decoder.message(reader),
    );
  }
  const thrown: readonly unknown[] = [
    undefined,
    'text',
    Object.assign(new TypeError('t', { cause: new Error('c') }), { code: 'E', data: [1, { a: 1 }] }),
    new AggregateError([new Error('1'), new DOMException('2', 'AbortError')], 'm'),
    new ProtocolError('ours'),
  ];
  for (const [i, value] of thrown.entries()) {
    add(`thrown ${i}`, () => encodeThrown(encoder, writer, value), decodeThrown);
  }
  const columns: readonly (readonly unknown[])[] = [
    [1, 2, 3],
    [1.5, 2, NaN],
    ['a', 'b\u4e16', ''],
    [undefined, undefined, undefined],
    [1, 'a', null, 5n],
    [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ],
    [
      { a: 1, b: 'x' },
      { a: 2, b: 'y' },
      { a: 3, b: 'z' },
    ],
    [{ a: [1] }, new Map(), new Uint8Array(20_000)],
  ];
  for (const [i, column] of columns.entries()) {
    add(
      `column ${i}`,
      () => {
        writer.varint(column.length);
        encodeColumn(encoder, writer, column, 0, column.length, 'args');
      },
      (decoder, reader) => decodeColumn(decoder, reader, reader.varint(), (_, error) => judge(error)),
    );
  }
  all.push(frames());
  for (const definition of encoder.definitions) definitions.set(definitions.size, definition);
  for (let i = 0; i < 200; i++) if (!definitions.has(i)) definitions.set(i, i % 2 === 0 ? reference : code);
  all.push(records(encoder));
  return all;
}

/** Several frames on one stream, cut at random places. */
function frames(): Sample {
  const parts: Buffer[] = [];
  for (const sizes of [[], [3, 0, 5], [], [1]]) {
    const body = Buffer.from('body of a frame');
    const buffers = sizes.map((size) => new Uint8Array(size).fill(size).buffer);
    parts.push(frameHead(generation, body.length, buffers), body, ...buffers.map((buffer) => Buffer.from(buffer)));
  }
  const read = (bytes: Buffer): unknown => {
    const delivered: unknown[] = [];
    const assembler = new FrameAssembler(generation, (body, attachments) => delivered.push(String(body), attachments));
    const random = randomFrom(bytes.length);
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + Math.floor(random() * 40);
      assembler.push(bytes.subarray(at, end));
      at = end;
    }
    return delivered;
  };
  return { name: 'frames', bytes: Buffer.concat(parts), read };
}

/** A frame's records: definitions and a message that uses them. */
function records(encoder: Encoder): Sample {
  const outbox = new Outbox(encoder, 1);
  encoder.attachments = [];
  outbox.body.u8(2);
  encoder.message(outbox.body, [(x: number) => x, function reference() {}]);
  const bytes = Buffer.concat(outbox.take().parts.map((part) => Buffer.from(part)));
  const read = (body: Buffer): unknown => {
    const got: unknown[] = [];
    const inbox = new Inbox(builder, 1, (op, reader, decoder) => {
      if (op !== 2) throw new ProtocolError('unknown record');
      got.push(decoder.message(reader));
    });
    void inbox.accept(body, []);
    return got;
  };
  return { name: 'records', bytes, read };
}

const tellingBytes = [0, 1, 0x7f, 0x80, 0xff, 13, 17, 19, 21, 12, 28];

/** One to four changes: cut, flip, overwrite, insert, remove, a huge number, a piece of another sample. */
export function mutate(bytes: Buffer, random: Random, others: readonly Sample[]): Buffer {
  let mutant = Buffer.from(bytes);
  const below = (n: number): number => Math.floor(random() * n);
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(mutant.length + 1);
    const rest = mutant.subarray(at);
    switch (below(8)) {
      case 0:
        mutant = mutant.subarray(0, at);
        break;
      case 1:
        if (at < mutant.length) mutant[at]! ^= 1 << below(8);
        break;
      case 2:
        if (at < mutant.length) mutant[at] = below(256);
        break;
      case 3:
        // Among the tags.
        if (at < mutant.length) mutant[at] = below(42);
        break;
      case 4:
        mutant = Buffer.concat([
          mutant.subarray(0, at),
          Buffer.from([tellingBytes[below(tellingBytes.length)]!]),
          rest,
        ]);
        break;
      case 5:
        mutant = Buffer.concat([mutant.subarray(0, at), rest.subarray(1 + below(4))]);
        break;
      case 6: {
        const huge = Array.from({ length: 1 + below(7) }, () => 0x80 | below(128));
        mutant = Buffer.concat([mutant.subarray(0, at), Buffer.from([...huge, below(128)]), rest.subarray(below(3))]);
        break;
      }
      default: {
        const other = others[below(others.length)]!.bytes;
        const from = below(other.length);
        mutant = Buffer.concat([mutant.subarray(0, at), other.subarray(from, from + below(64)), rest]);
      }
    }
  }
  return mutant;
}

function judge(error: unknown): void {
  if (!(error instanceof ProtocolError) && !(error instanceof FrameTooLargeError)) throw error;
}

const slowMs = 2_000;

/** Reads bytes; what else happens than a value or a typed refusal is a finding. */
export function tryRead(sample: Sample, bytes: Buffer, seed: number): Finding | undefined {
  const start = performance.now();
  try {
    sample.read(bytes);
  } catch (error) {
    try {
      judge(error);
    } catch {
      return { seed, sample: sample.name, bytes, problem: `threw ${String(error)}`, error };
    }
  }
  const ms = performance.now() - start;
  return ms > slowMs ? { seed, sample: sample.name, bytes, problem: `took ${Math.round(ms)} ms` } : undefined;
}

/** Runs `cases` random cases from a seed; stops at the first finding. */
export function fuzz(seed: number, cases: number, all: readonly Sample[]): Finding | undefined {
  const random = randomFrom(seed);
  for (let i = 0; i < cases; i++) {
    const sample = all[Math.floor(random() * all.length)]!;
    const finding = tryRead(sample, mutate(sample.bytes, random, all), seed);
    if (finding !== undefined) return finding;
  }
  return undefined;
}
