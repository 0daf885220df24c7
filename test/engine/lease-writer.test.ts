import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReader } from '#internal/closure/capture.js';
import { createBuilder } from '#internal/closure/rebuild.js';
import { transfer } from 'manycore';
import { type AnyFunction, type FunctionHandle, Functions } from '#internal/engine/functions.js';
import { LeaseWriter, type WireJob, type WireTerms } from '#internal/engine/lease-writer.js';
import { SocketLedger } from '#internal/engine/socket-ledger.js';
import type { Lease } from '#internal/engine/task.js';
import { FrameTooLargeError, SerializationError } from '#internal/errors.js';
import { maxFrameBytes, maxKnownFunctions } from '#internal/limits.js';
import { bytesBeside } from '#internal/wire/attachments.js';
import { Encoder } from '#internal/wire/encoder.js';
import { Inbox } from '#internal/wire/inbox.js';
import { ToWorker } from '#internal/wire/messages.js';
import { Outbox } from '#internal/wire/outbox.js';
import { readBatch } from '#internal/worker/batch.js';
import { KnownFunction } from '#internal/worker/known-function.js';
import { plainTerms } from './plain-pool.ts';

const functions = new Functions(false);

/** A writer, and a worker that reads what it has written and runs it at once. */
class Desk {
  readonly outbox = new Outbox(new Encoder(createReader({ toward: 'worker' }), { hands: true }), ToWorker.define);
  readonly writer = new LeaseWriter(this.outbox, new SocketLedger(), () => this.flush());
  /** The sizes of the frames that have left. */
  readonly frames: number[] = [];
  /** What came of the items, by their sequence number. */
  readonly results = new Map<number, unknown>();
  /** The functions that it was told of, by their number. */
  readonly told: number[] = [];
  readonly #known = new Map<number, KnownFunction>();
  readonly #inbox = new Inbox(createBuilder({ from: 'host' }), ToWorker.define, (op, reader, decoder, attachments) => {
    decoder.attachments = attachments;
    if (op === ToWorker.forget) return void this.#known.delete(reader.varint());
    if (op === ToWorker.function) {
      const number = reader.varint();
      this.told.push(number);
      reader.varint();
      const constant = reader.u8() === 1;
      this.#known.set(number, new KnownFunction(reader.raw(reader.u32()), attachments, decoder, constant));
      return undefined;
    }
    const batch = readBatch(reader, decoder, attachments, this.#known, () => undefined);
    batch.args.forEach((arg, i) => this.results.set(batch.sequence + i, batch.fn.of(batch.call)(arg)));
    return undefined;
  });
  #next = 0;

  /** Writes the items of one job, a lease after the other; returns what was refused, by the item's index. */
  send(fn: FunctionHandle, values: readonly unknown[]): Map<number, Error> {
    const refused = new Map<number, Error>();
    const job = jobOf(fn, values);
    for (let from = 0; from < values.length;) {
      const { taken, error } = this.writer.write(leaseOf(job, from, values.length - from, this.#next));
      this.#next += taken;
      from += taken;
      assert.ok(taken > 0 || error !== undefined, 'neither taken nor refused');
      if (error !== undefined) refused.set(from++, error);
    }
    return refused;
  }

  flush(): void {
    const { parts, attachments } = this.outbox.take();
    const body = Buffer.concat(parts);
    this.frames.push(body.length + bytesBeside(attachments));
    void this.#inbox.accept(
      body,
      attachments.map(({ buffer }) => buffer),
    );
  }
}

function jobOf(fn: FunctionHandle, values: readonly unknown[]): WireJob {
  const terms: WireTerms = { ...plainTerms('echo'), fn, spread: false, chunkSize: values.length };
  return {
    terms,
    firstTaskId: 1,
    items: (from) => ({ values, offset: from }),
    succeed: () => undefined,
    fail: () => undefined,
    progressed: () => undefined,
  };
}

function leaseOf(job: WireJob, from: number, count: number, sequence: number, ahead = false): Lease {
  const open = { settled: 0, inOrder: 0, outOfOrder: undefined, abandoned: undefined };
  return { job, attempt: 1, from, sequence, count, ...open, ahead, moved: false };
}

test('lease writer: a function keeps the buffers that it captured when an item of its first batch is refused', () => {
  const desk = new Desk();
  const table = new Float64Array(4_096).fill(7);
  const look = functions.handleOf((() => table[0]) as AnyFunction);
  const refused = desk.send(look, [1, { map: new WeakMap() }, { other: new Float64Array(4_096).fill(99) }]);
  desk.flush();
  assert.deepEqual([...refused.keys()], [1]);
  assert.ok(refused.get(1) instanceof SerializationError);
  assert.deepEqual([...desk.results.values()], [7, 7]);
});

test('lease writer: items that are too large for one frame go in several, and none is blamed for the others (B7)', () => {
  const desk = new Desk();
  const table = new Uint8Array(maxFrameBytes / 8);
  const size = functions.handleOf(((item: { readonly i: number }) => item.i) as AnyFunction);
  assert.equal(
    desk.send(
      size,
      Array.from({ length: 20 }, (_, i) => ({ table, i })),
    ).size,
    0,
  );
  desk.flush();
  assert.deepEqual(
    [...desk.results.entries()],
    Array.from({ length: 20 }, (_, i) => [i, i]),
  );
  assert.ok(desk.frames.every((bytes) => bytes <= maxFrameBytes));
});

test('lease writer: what an earlier lease has beside its record counts too; only what is too large alone is refused (B7)', () => {
  const desk = new Desk();
  const half = new Uint8Array(maxFrameBytes / 2 + 1);
  const whole = new Uint8Array(maxFrameBytes + 1);
  const isThere = functions.handleOf(((item: unknown) => item !== undefined) as AnyFunction);
  assert.equal(desk.send(isThere, [half]).size, 0);
  assert.equal(desk.send(isThere, [half]).size, 0);
  const refused = desk.send(isThere, [1, whole, 3]);
  desk.flush();
  assert.deepEqual([...refused.keys()], [1]);
  assert.ok(refused.get(1) instanceof FrameTooLargeError);
  assert.deepEqual([...desk.results.values()], [true, true, true, true]);
});

test('lease writer: an item that can be read once only is refused by itself, and no worker waits for it', () => {
  const desk = new Desk();
  const echo = functions.handleOf(((item: unknown) => item) as AnyFunction);
  let reads = 0;
  const once = {
    get value(): number {
      if (++reads > 2) throw new Error('only once');
      return 1;
    },
  };
  const refused = desk.send(echo, [once, { map: new WeakMap() }, 3]);
  desk.flush();
  assert.deepEqual([...refused.keys()], [0, 1]);
  assert.deepEqual([...desk.results.entries()], [[0, 3]]);
});

test('lease writer: a function is forgotten behind the tasks that use it, and one that is used stays', () => {
  const desk = new Desk();
  const echo = functions.handleOf(((item: unknown) => item) as AnyFunction);
  const made = Array.from({ length: maxKnownFunctions + 1 }, (_, i) => ({ ...echo, number: echo.number + i }));
  // Without a flush in between: all travels in one frame. One that the worker does not know could not be read.
  for (const [i, fn] of made.entries()) {
    desk.send(fn, [i]);
    desk.send(made[0]!, ['hot']);
  }
  desk.send(made[1]!, ['told anew']);
  desk.flush();
  assert.deepEqual([...desk.results.values()], [...made.flatMap((_, i) => [i, 'hot']), 'told anew']);
  assert.deepEqual(
    desk.told,
    [...made, made[1]!].map(({ number }) => number),
  );
});

test('lease writer: what moves goes one by one, to a worker that is free, and is gone as soon as it was written', () => {
  const desk = new Desk();
  const length = functions.handleOf(((item: Uint8Array) => item.length) as AnyFunction);
  const items = [10, 20_000, 30_000].map((bytes) => transfer(new Uint8Array(bytes)));
  const job = jobOf(length, items);
  const early = leaseOf(job, 0, 3, 0, true);
  assert.deepEqual(desk.writer.write(early), { taken: 0 });
  assert.equal(items[0]!.length, 10);
  const lease = leaseOf(job, 0, 3, 0);
  assert.deepEqual(desk.writer.write(lease), { taken: 1 });
  assert.equal(lease.moved, true);
  assert.deepEqual(
    items.map((item) => item.length),
    [0, 20_000, 30_000],
  );
  const { taken, error } = desk.writer.write(leaseOf(job, 0, 1, 1));
  assert.equal(taken, 0);
  assert.match(error!.message, /moved away/);
  assert.deepEqual([...desk.results.values()], [10]);
});

test('lease writer: an item that cannot travel leaves what it wanted to move where it is', () => {
  const desk = new Desk();
  const echo = functions.handleOf(((item: unknown) => item) as AnyFunction);
  const buffer = transfer(new Uint8Array(100));
  assert.equal(desk.send(echo, [{ buffer, map: new WeakMap() }]).size, 1);
  assert.equal(buffer.length, 100);
  assert.equal(desk.send(echo, [{ buffer }]).size, 0);
  assert.equal(buffer.length, 0);
});
