import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { ProtocolError } from 'manycore';
import { decodeColumn } from '#internal/wire/column.js';
import { Decoder } from '#internal/wire/decoder.js';
import { Reader } from '#internal/wire/reader.js';
import { Tag } from '#internal/wire/tags.js';
import { Writer } from '#internal/wire/writer.js';
import { fuzz, randomFrom, samples, tryRead } from './mutations.ts';

const all = samples();

const seed = Number(process.env['MANYCORE_FUZZ_SEED'] ?? 20_261_121);

describe('wire: bytes that no encoder wrote end in a ProtocolError', () => {
  test('the samples themselves can be read', () => {
    for (const sample of all) assert.doesNotThrow(() => sample.read(sample.bytes), sample.name);
  });

  test('cut short at every byte', () => {
    for (const sample of all) {
      const step = Math.max(1, Math.floor(sample.bytes.length / 2_000));
      for (let end = 0; end < sample.bytes.length; end += step) {
        assert.equal(tryRead(sample, sample.bytes.subarray(0, end), 0), undefined, `${sample.name} cut at ${end}`);
      }
    }
  });

  test('every byte replaced by every tag', () => {
    for (const sample of all.filter(({ bytes }) => bytes.length < 600)) {
      for (let at = 0; at < sample.bytes.length; at++) {
        for (let tag = 0; tag <= 40; tag += 1 + (at % 3)) {
          const bytes = Buffer.from(sample.bytes);
          bytes[at] = tag;
          assert.equal(tryRead(sample, bytes, 0), undefined, `${sample.name}: byte ${at} = ${tag}`);
        }
      }
    }
  });

  test(`30 000 random changes (seed ${seed}); memory stays within bounds`, { timeout: 100_000 }, () => {
    const before = process.memoryUsage();
    assert.equal(fuzz(seed, 30_000, all), undefined);
    const after = process.memoryUsage();
    assert.ok(after.rss - before.rss < 600 * 2 ** 20, `grew by ${(after.rss - before.rss) >> 20} MiB`);
  });

  test('nothing but random bytes', () => {
    const random = randomFrom(seed);
    for (let i = 0; i < 5_000; i++) {
      const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 64) }, () => Math.floor(random() * 256)));
      for (const sample of [all[0]!, all.at(-1)!]) assert.equal(tryRead(sample, bytes, seed), undefined);
    }
  });
});

/** The bytes of one message that is written by hand. */
function message(write: (writer: Writer) => void): Buffer {
  const writer = new Writer();
  writer.varint(0);
  write(writer);
  return Buffer.from(writer.written());
}

function refuse(bytes: Buffer, pattern: RegExp): void {
  const before = process.memoryUsage();
  const start = performance.now();
  assert.throws(
    () => new Decoder(undefined, new Map()).message(new Reader(bytes)),
    (error) => {
      assert.ok(error instanceof ProtocolError, String(error));
      assert.match(error.message, pattern);
      return true;
    },
  );
  const after = process.memoryUsage();
  assert.ok(performance.now() - start < 5_000);
  assert.ok(
    after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers < 64 * 2 ** 20,
    'allocated much',
  );
}

describe('wire: huge counts allocate nothing', () => {
  const huge = 2 ** 40;
  for (const [name, tag] of [
    ['array', Tag.array],
    ['integers', Tag.ints],
    ['doubles', Tag.doubles],
    ['shape', Tag.shape],
    ['bytes', Tag.bytes],
    ['string', Tag.string],
  ] as const) {
    test(`of an ${name}`, () => {
      refuse(
        message((writer) => {
          writer.u8(tag);
          writer.varint(huge);
        }),
        /ends \d+ bytes early/,
      );
    });
  }

  test('of a Map or a Set', () => {
    for (const tag of [Tag.map, Tag.set])
      refuse(
        message((writer) => {
          writer.u8(tag);
          writer.u32(2 ** 32 - 1);
        }),
        /ends \d+ bytes early/,
      );
  });

  test('of a sparse array: the longest is fine, a longer one is refused (H6)', () => {
    refuse(
      message((writer) => {
        writer.u8(Tag.sparse);
        writer.varint(2 ** 32);
      }),
      /array of length 4294967296/,
    );
    const longest = message((writer) => {
      writer.u8(Tag.sparse);
      writer.varint(30_000_000);
      writer.varint(0);
      writer.u8(Tag.hole);
      writer.u8(1);
    });
    const before = process.memoryUsage().heapUsed;
    const array = new Decoder(undefined, new Map()).message(new Reader(longest)) as unknown[];
    assert.equal(array.length, 30_000_000);
    assert.ok(process.memoryUsage().heapUsed - before < 32 * 2 ** 20, 'the holes take memory');
  });

  test('of a view on what is no buffer', () => {
    refuse(
      message((writer) => {
        writer.u8(Tag.view);
        writer.u8(10);
        writer.varint(0);
        writer.varint(2 ** 30);
        writer.u8(Tag.int);
        writer.varint(2 ** 30);
      }),
      /a view on what is no buffer/,
    );
  });

  test('of columns within columns, and of items that take no bytes', () => {
    for (const [bytes, count] of [
      [[6], 2 ** 40],
      [[4, 200], 1],
      [[4, 2, 4, 1, 6], 1_000],
      [[5, 1, 2, 0x61, 5], 1_000],
    ] as const) {
      const reader = new Reader(Buffer.from(bytes));
      assert.throws(() => decodeColumn(new Decoder(undefined, new Map()), reader, count, assert.fail), ProtocolError);
    }
  });
});

describe('wire: texts and structures that are none say what is wrong', () => {
  const cases: readonly (readonly [string, (writer: Writer) => void, RegExp])[] = [
    [
      'a RegExp',
      (w) => {
        w.u8(Tag.regexp);
        w.string('(');
        w.string('');
      },
      /could not be read: Invalid regular expression/,
    ],
    [
      'flags of a RegExp',
      (w) => {
        w.u8(Tag.regexp);
        w.string('a');
        w.string('zz');
      },
      /Invalid flags/,
    ],
    [
      'a URL',
      (w) => {
        w.u8(Tag.url);
        w.string('::');
      },
      /Invalid URL/,
    ],
    [
      'a BigInt',
      (w) => {
        w.u8(Tag.bigint);
        w.string('xyz');
      },
      /a BigInt that is no number/,
    ],
    ['an unknown tag', (w) => w.u8(99), /unknown kind 99/],
    [
      'an attachment that is not there',
      (w) => {
        w.u8(Tag.attachment);
        w.varint(3);
      },
      /lacks an attachment/,
    ],
    [
      'a value that is not there',
      (w) => {
        w.u8(Tag.back);
        w.varint(3);
      },
      /refers to a value that is not in it/,
    ],
    [
      'a shape that is not there',
      (w) => {
        w.u8(Tag.record);
        w.varint(3);
      },
      /refers to a shape that is not in it/,
    ],
    [
      'a definition that was not sent',
      (w) => {
        w.u8(Tag.reference);
        w.varint(3);
      },
      /definition 3, which was never sent/,
    ],
    [
      'a function',
      (w) => {
        w.u8(Tag.identity);
        w.string('x');
      },
      /a function where none may come/,
    ],
    [
      'a prototype that is a number',
      (w) => {
        w.u8(Tag.instance);
        w.u8(Tag.int);
        w.varint(1);
      },
      /prototype is of type number/,
    ],
    [
      'the prototype of a number',
      (w) => {
        w.u8(Tag.prototypeOf);
        w.u8(Tag.int);
        w.varint(1);
      },
      /the prototype of what is no class/,
    ],
    [
      'an offset that does not fit',
      (w) => {
        w.u8(Tag.view);
        w.u8(10);
        w.varint(3);
        w.varint(1);
        w.u8(Tag.bytes);
        w.varint(16);
        w.raw(new Uint8Array(16));
      },
      /start offset of Float64Array should be a multiple of 8/,
    ],
    [
      'a number of more than 53 bits',
      (w) => {
        w.u8(Tag.int);
        w.raw(new Uint8Array(9).fill(0xff));
      },
      /more than 53 bits/,
    ],
    [
      'arrays within arrays without end',
      (w) => {
        for (let i = 0; i < 1_000_000; i++) {
          w.u8(Tag.array);
          w.u8(1);
        }
      },
      /could not be read|early/,
    ],
  ];
  for (const [name, write, pattern] of cases) test(name, () => refuse(message(write), pattern));

  test('after a failure the decoder reads the next message as if nothing had been', () => {
    const decoder = new Decoder(undefined, new Map());
    const good = message((w) => {
      w.u8(Tag.array);
      w.varint(2);
      w.u8(Tag.set);
      w.u32(0);
      w.varint(0);
      w.u8(Tag.hole);
      w.u8(Tag.back);
      w.varint(1);
    });
    const bad = message((w) => {
      w.u8(Tag.array);
      w.varint(2);
      w.u8(Tag.set);
      w.u32(0);
      w.varint(0);
      w.u8(Tag.hole);
      w.u8(77);
    });
    assert.throws(() => decoder.message(new Reader(bad)), ProtocolError);
    const [first, second] = decoder.message(new Reader(good)) as [unknown, unknown];
    assert.ok(first instanceof Set);
    assert.equal(first, second);
  });
});
