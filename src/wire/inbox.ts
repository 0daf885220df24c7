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

/**
 * Reads frames in order. A definition that names a module holds up what comes after it until that is loaded, so that the
 * rest can be decoded without waiting.
 */
export class Inbox {
  readonly decoder: Decoder;
  readonly #builder: FunctionBuilder;
  readonly #defineOp: number;
  readonly #handle: RecordHandler;
  readonly #queue: { readonly body: Uint8Array; readonly attachments: readonly Buffers[] }[] = [];
  #waiting = false;

  constructor(builder: FunctionBuilder, defineOp: number, handle: RecordHandler) {
    this.decoder = new Decoder(builder, new Map());
    this.#builder = builder;
    this.#defineOp = defineOp;
    this.#handle = handle;
  }

  /** Resolves or returns when the frame was processed; throws `ProtocolError` when it is not well-formed. */
  accept(body: Uint8Array, attachments: readonly Buffers[]): void | Promise<void> {
    if (this.#waiting) {
      this.#queue.push({ body, attachments });
      return undefined;
    }
    const wait = this.#records(new Reader(body), attachments);
    return wait === undefined ? undefined : this.#resume(wait);
  }

  async #resume(wait: Promise<void>): Promise<void> {
    this.#waiting = true;
    try {
      await wait;
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        await this.#records(new Reader(next.body), next.attachments);
      }
    } finally {
      this.#waiting = false;
    }
  }

  #records(reader: Reader, attachments: readonly Buffers[]): Promise<void> | undefined {
    while (reader.at < reader.end) {
      const op = reader.u8();
      const wait = op === this.#defineOp ? this.#define(reader) : this.#handle(op, reader, this.decoder, attachments);
      if (wait !== undefined) return this.#rest(wait, reader, attachments);
    }
    return undefined;
  }

  async #rest(wait: Promise<void>, reader: Reader, attachments: readonly Buffers[]): Promise<void> {
    await wait;
    await this.#records(reader, attachments);
  }

  #define(reader: Reader): Promise<void> | undefined {
    const id = reader.varint();
    const definition = this.decoder.message(reader) as Definition;
    if (typeof definition !== 'object' || definition === null)
      throw new ProtocolError('A definition is not an object.');
    this.decoder.definitions.set(id, definition);
    return definition.define === 'reference' && definition.loads ? this.#builder.prepare(definition) : undefined;
  }
}
