import { ProtocolError } from '../errors.ts';
import type { Reader } from '../wire/reader.ts';
import { postponed } from '../memory/parcels.ts';
import { decodeColumn } from '../wire/column.ts';
import type { Decoder } from '../wire/decoder.ts';
import { RunFlag } from '../wire/messages.ts';
import type { Arrival } from '../wire/sockets.ts';
import type { KnownFunction } from './known-function.ts';

/** A batch of tasks as it came, and how far it is. */
export interface Batch {
  readonly fn: KnownFunction;
  readonly sequence: number;
  readonly count: number;
  readonly firstTaskId: number;
  readonly attempt: number;
  readonly args: unknown[];
  readonly spread: boolean;
  readonly whole: boolean;
  readonly timed: boolean;
  /** The call that it belongs to; when `separate`, each item is one. */
  readonly call: number;
  readonly separate: boolean;
  /** Arguments that could not be decoded. */
  readonly failures: Map<number, unknown> | undefined;
  /** What has to be done before an item begins. */
  readonly begins: ReadonlyMap<number, readonly (() => void)[]> | undefined;
  /** Those of its only item. */
  readonly sockets: BatchSockets | undefined;
  /** The next item to begin. */
  at: number;
}

/** The sockets of an item: they are opened when it begins, or closed when it does not. */
export class BatchSockets {
  readonly #arrivals: readonly Arrival[];
  readonly #drop: () => void;
  #isOver = false;

  constructor(arrivals: readonly Arrival[], drop: () => void) {
    this.#arrivals = arrivals;
    this.#drop = drop;
  }

  begin(): void {
    this.#isOver = true;
    for (const arrival of this.#arrivals) arrival.begin();
  }

  /** Does nothing when they have begun. */
  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const arrival of this.#arrivals) arrival.drop();
    this.#drop();
  }
}

export function readBatch(
  reader: Reader,
  decoder: Decoder,
  attachments: readonly (ArrayBuffer | SharedArrayBuffer)[],
  functions: ReadonlyMap<number, KnownFunction>,
  reads: (sequence: number) => void,
): Batch {
  const number = reader.varint();
  const call = reader.varint();
  const sequence = reader.varint();
  const count = reader.varint();
  const firstTaskId = reader.varint();
  const attempt = reader.varint();
  const flags = reader.u8();
  decoder.attachments = attachments;
  let failures: Map<number, unknown> | undefined;
  let begins: Map<number, (() => void)[]> | undefined;
  const waiting: (() => void)[] = [];
  const fail = (index: number, error: unknown): void => {
    waiting.length = 0;
    (failures ??= new Map()).set(index, error);
    reads(sequence + index + 1);
  };
  const done = (index: number): void => {
    reads(sequence + index + 1);
    if (waiting.length > 0) (begins ??= new Map()).set(index, waiting.splice(0));
  };
  reads(sequence);
  const args = postponed(waiting, () => decodeColumn(decoder, reader, count, fail, done));
  const fn = functions.get(number);
  if (fn === undefined) throw new ProtocolError(`The host uses function ${number}, which it never sent.`);
  return {
    fn,
    sequence,
    count,
    firstTaskId,
    attempt,
    args,
    spread: (flags & RunFlag.spread) !== 0,
    whole: (flags & RunFlag.whole) !== 0,
    timed: (flags & RunFlag.timed) !== 0,
    call,
    separate: (flags & RunFlag.separate) !== 0,
    failures,
    begins,
    sockets: (flags & RunFlag.sockets) === 0 ? undefined : readSockets(reader, decoder, attachments),
    at: 0,
  };
}

function readSockets(
  reader: Reader,
  decoder: Decoder,
  attachments: readonly (ArrayBuffer | SharedArrayBuffer)[],
): BatchSockets {
  const tickets = Array.from({ length: reader.count(1) }, () => attachments[reader.varint()]!);
  const { descriptors } = decoder;
  // When the message could not be decoded, some may not even have been opened.
  return new BatchSockets(decoder.takeArrivals(), () => tickets.forEach((ticket) => descriptors?.drop(ticket)));
}
