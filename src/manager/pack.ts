import { createRequire } from 'node:module';
import { ProtocolError } from '../errors.ts';
import { unbroken } from '../unbroken.ts';
import { createBuilder } from '../closure/rebuild.ts';
import type * as Capture from '../closure/capture.ts';
import { Encoder } from '../wire/encoder.ts';
import { Inbox } from '../wire/inbox.ts';
import { Outbox } from '../wire/outbox.ts';
import { Reader } from '../wire/reader.ts';

const defineOp = 1;
const valueOp = 2;

let capture: typeof Capture | undefined;
let reader: ReturnType<typeof Capture.createReader> | undefined;

/** What looks into functions is large, and most programs that use a manager never need it. */
function loadCapture(): typeof Capture {
  return (capture ??= unbroken(() => createRequire(import.meta.url)('../closure/capture.js') as typeof Capture));
}

/** Whether its bytes are the same each time. */
export function isConstantFunction(value: unknown): value is () => unknown {
  return typeof value === 'function' && loadCapture().isConstant(value as () => unknown);
}

/** Any value, functions and instances included, as bytes that need nothing that was sent before. */
export function pack(value: unknown): Buffer {
  reader ??= loadCapture().createReader({ toward: 'worker' });
  const outbox = new Outbox(new Encoder(reader), defineOp);
  outbox.body.u8(valueOp);
  outbox.encoder.message(outbox.body, value);
  const { parts, attachments } = outbox.take();
  const sizes = Buffer.alloc(4 + attachments.length * 4);
  sizes.writeUInt32LE(attachments.length, 0);
  attachments.forEach(({ buffer }, i) => sizes.writeUInt32LE(buffer.byteLength, 4 + i * 4));
  return Buffer.concat([sizes, ...attachments.map(({ buffer }) => new Uint8Array(buffer)), ...parts]);
}

/** The value; a promise when modules have to be loaded for it. Runs code that the bytes name: they must be trusted. */
export function unpack(bytes: Uint8Array): unknown {
  const head = new Reader(bytes);
  const sizes = Array.from({ length: head.u32() }, () => head.u32());
  const attachments = sizes.map((size) => new Uint8Array(head.raw(size)).buffer);
  let value: unknown;
  let failure: { readonly error: unknown } | undefined;
  const inbox = new Inbox(createBuilder({ from: 'worker' }), defineOp, (op, body, decoder, buffers) => {
    if (op !== valueOp) throw new ProtocolError(`A packed value holds a record of unknown kind ${op}.`);
    decoder.attachments = buffers;
    try {
      value = decoder.message(body);
    } catch (error) {
      failure = { error };
      body.at = body.end;
    }
  });
  const finish = (): unknown => {
    if (failure !== undefined) throw failure.error;
    return value;
  };
  const wait = inbox.accept(head.raw(head.end - head.at), attachments);
  return wait === undefined ? finish() : wait.then(finish);
}
