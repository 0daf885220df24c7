import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { FrameTooLargeError, ProtocolError } from 'manycore';
import { FrameAssembler, frameHead } from '#internal/wire/frame.js';
import { Writer } from '#internal/wire/writer.js';
import { randomFrom } from './mutations.ts';

const seed = Number(process.env['MANYCORE_FUZZ_SEED'] ?? 20_261_121);

describe('wire: frames', () => {
  const body = Buffer.from('the body');
  const buffers = [
    new Uint8Array(10).fill(1).buffer,
    new ArrayBuffer(0),
    new Uint8Array(100_000).fill(3).buffer,
    new ArrayBuffer(0),
  ];
  const frame = (): Buffer =>
    Buffer.concat([frameHead(9, body.length, buffers), body, ...buffers.map((buffer) => Buffer.from(buffer))]);

  test('come out whole and in order, whatever the chunks are', () => {
    const stream = Buffer.concat([frame(), frameHead(9, 0, []), frame(), frameHead(9, 3, []), Buffer.from('end')]);
    const random = randomFrom(seed);
    for (const size of [1, 7, 16, 1_000, 65_536, stream.length]) {
      const got: string[] = [];
      const assembler = new FrameAssembler(9, (part, attachments) => {
        got.push(`${part.toString()} ${attachments.map((buffer) => buffer.byteLength).join()}`);
        if (attachments.length > 0) assert.deepEqual([...new Set(new Uint8Array(attachments[2]!))], [3]);
      });
      for (let at = 0; at < stream.length;) {
        const count = size === 7 ? 1 + Math.floor(random() * 30) : size;
        assembler.push(stream.subarray(at, at + count));
        at += count;
      }
      assert.deepEqual(got, ['the body 10,0,100000,0', ' ', 'the body 10,0,100000,0', 'end ']);
    }
  });

  test('65 536 attachments in linear time', { timeout: 20_000 }, () => {
    const many = Array.from({ length: 65_536 }, () => new ArrayBuffer(1));
    let count = 0;
    const assembler = new FrameAssembler(9, (_, attachments) => (count = attachments.length));
    const stream = Buffer.concat([frameHead(9, 1, many), Buffer.alloc(1 + many.length)]);
    for (let at = 0; at < stream.length; at += 4_096) assembler.push(stream.subarray(at, at + 4_096));
    assert.equal(count, 65_536);
    assert.throws(() => frameHead(9, 1, [...many, new ArrayBuffer(1)]), FrameTooLargeError);
  });

  const none = (): void => assert.fail('a frame was delivered');
  const head = (write: (head: Buffer) => void): Buffer => {
    const bytes = Buffer.concat([frameHead(9, 8, [new ArrayBuffer(4)]), body]);
    write(bytes);
    return bytes;
  };

  for (const [name, bytes, error] of [
    ['what is not a frame', Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), /not a frame/],
    ['a frame of another generation', head((b) => b.writeUInt32LE(8, 4)), /from another worker/],
    ['too many attachments', head((b) => b.writeUInt32LE(70_000, 12)), /too many attachments/],
  ] as const) {
    test(`${name}: a ProtocolError`, () => {
      assert.throws(
        () => new FrameAssembler(9, none).push(bytes),
        (e) => e instanceof ProtocolError && error.test(e.message),
      );
    });
  }

  test('sizes that are too large, negative, fractions or NaN: a FrameTooLargeError before anything is allocated (H4)', () => {
    for (const size of [2 ** 31, -1, 1.5, NaN, Infinity, -Infinity, 1e300]) {
      const bytes = head((b) => b.writeDoubleLE(size, 16));
      const before = process.memoryUsage().arrayBuffers;
      assert.throws(() => new FrameAssembler(9, none).push(bytes), FrameTooLargeError);
      assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20);
    }
    assert.throws(
      () => new FrameAssembler(9, none).push(head((b) => b.writeUInt32LE(2 ** 32 - 1, 8))),
      FrameTooLargeError,
    );
    assert.throws(() => frameHead(9, 2 ** 30, [new ArrayBuffer(1)]), FrameTooLargeError);
  });

  test('a message above the limit is refused by the writer, with advice', () => {
    const writer = new Writer();
    writer.length = 2 ** 30 - 4;
    assert.throws(() => writer.f64(1), {
      code: 'ERR_MANYCORE_FRAME_TOO_LARGE',
      message: /limit is 1073741824. Send it in parts/,
    });
  });
});
