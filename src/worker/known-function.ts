import type { Decoder } from '../wire/decoder.ts';
import { Reader } from '../wire/reader.ts';

export type TaskFunction = (...args: unknown[]) => unknown;

/**
 * A function that the host has sent. What it captured is copied for each call, so that what one call changed another does
 * not see: it is rebuilt from its bytes whenever the call changes, unless it captured nothing that could differ.
 */
export class KnownFunction {
  /** It returns promises: its tasks get an asynchronous context of their own. */
  isAsync = false;
  readonly #bytes: Buffer;
  readonly #attachments: readonly (ArrayBuffer | SharedArrayBuffer)[];
  readonly #decoder: Decoder;
  readonly #constant: boolean;
  #call: number | undefined;
  #task: TaskFunction | undefined;
  #error: unknown;

  constructor(
    bytes: Buffer,
    attachments: readonly (ArrayBuffer | SharedArrayBuffer)[],
    decoder: Decoder,
    constant: boolean,
  ) {
    // A constant one is decoded once and at once; of others the bytes are kept, and not the frame that they came in.
    this.#bytes = constant ? bytes : Buffer.from(bytes);
    this.#attachments = attachments;
    this.#decoder = decoder;
    this.#constant = constant;
    this.#build();
  }

  /** The function as of a call. Throws what kept it from being rebuilt. */
  of(call: number): TaskFunction {
    if (!this.#constant && call !== this.#call) {
      if (this.#call !== undefined) this.#build();
      this.#call = call;
    }
    if (this.#task === undefined) throw this.#error;
    return this.#task;
  }

  #build(): void {
    this.#decoder.attachments = this.#attachments;
    try {
      this.#task = this.#decoder.message(new Reader(this.#bytes)) as TaskFunction;
      const kind: unknown = Reflect.get(this.#task, Symbol.toStringTag);
      this.isAsync ||= kind === 'AsyncFunction' || kind === 'AsyncGeneratorFunction';
    } catch (error) {
      this.#task = undefined;
      this.#error = error;
    }
  }
}
