import { deliver } from '../blocking/delivery.ts';
import { holdUp } from '../blocking/state.ts';
import { ProtocolError } from '../errors.ts';
import { Decoder } from './decoder.ts';
import type { Definition, FunctionBuilder } from './forms.ts';
import { Reader } from './reader.ts';

export type RecordHandler = (
  op: number,
  reader: Reader,
  decoder: Decoder,
  attachments: readonly Buffers[],
) => void | Promise<void>;
type Buffers = ArrayBuffer | SharedArrayBuffer;

export interface InboxEvents {
  /** All that a wait held up was processed. */
  readonly caughtUp?: () => void;
  /** A module is about to be loaded that this item needs. */
  readonly loads?: (item: number) => void;
}

interface Frame {
  readonly reader: Reader;
  readonly attachments: readonly Buffers[];
}

/**
 * Reads frames in order. A definition that names a module holds up what comes after it until that is loaded, so that the
 * rest can be decoded without waiting.
 */
export class Inbox {
  readonly decoder: Decoder;
  readonly #builder: FunctionBuilder;
  readonly #defineOp: number;
  readonly #handle: RecordHandler;
  readonly #caughtUp: () => void;
  readonly #loads: (item: number) => void;
  readonly #queue: Frame[] = [];
  #waiting = false;

  constructor(
    builder: FunctionBuilder,
    defineOp: number,
    handle: RecordHandler,
    { caughtUp = () => undefined, loads = () => undefined }: InboxEvents = {},
  ) {
    this.decoder = new Decoder(builder, new Map());
    this.#builder = builder;
    this.#defineOp = defineOp;
    this.#handle = handle;
    this.#caughtUp = caughtUp;
    this.#loads = loads;
  }

  get isWaiting(): boolean {
    return this.#waiting;
  }

  /** Resolves or returns when the frame was processed; throws `ProtocolError` when it is not well-formed. */
  accept(body: Uint8Array, attachments: readonly Buffers[]): void | Promise<void> {
    const frame = { reader: new Reader(body), attachments };
    if (!this.#waiting) return this.#records(frame);
    this.#queue.push(frame);
    return undefined;
  }

  #records(frame: Frame): Promise<void> | undefined {
    const { reader, attachments } = frame;
    while (reader.at < reader.end) {
      const op = reader.u8();
      const wait = op === this.#defineOp ? this.#define(reader) : this.#handle(op, reader, this.decoder, attachments);
      if (wait !== undefined) return this.#resume(wait, frame);
    }
    return undefined;
  }

  /** Goes on after a wait with what it held up, in one go: who hears of a result finds everything else told, too. */
  async #resume(wait: Promise<void>, frame: Frame): Promise<void> {
    this.#waiting = true;
    holdUp(true);
    try {
      await wait;
    } finally {
      this.#waiting = false;
      holdUp(false);
    }
    let next: Promise<void> | undefined;
    deliver(() => {
      for (let held: Frame | undefined = frame; held !== undefined; held = this.#queue.shift()) {
        next = this.#records(held);
        if (next !== undefined) return;
      }
      this.#caughtUp();
    });
    await next;
  }

  #define(reader: Reader): Promise<void> | undefined {
    const id = reader.varint();
    const item = reader.varint() - 1;
    const definition = this.decoder.message(reader) as Definition;
    if (typeof definition !== 'object' || definition === null)
      throw new ProtocolError('A definition is not an object.');
    this.decoder.definitions.set(id, definition);
    if (definition.define !== 'reference' || !definition.loads) return undefined;
    if (item >= 0) this.#loads(item);
    return this.#builder.prepare(definition);
  }
}
