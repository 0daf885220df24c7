import { ProtocolError } from '../errors.ts';
import { maxArguments } from '../limits.ts';
import { DataDecoder, type SpecialReader, unfinished } from '../wire/data-decoder.ts';
import type { Reader } from '../wire/reader.ts';

/** Instead of an array, as most calls have none. */
export const empty: unique symbol = Symbol('no arguments');

/**
 * Reads the arguments of calls. When it is late in the middle of them, those that there are, and what there is of the next one,
 * are kept: the record is read again from its start, and goes on with these.
 */
export class CallArguments {
  readonly #decoder: DataDecoder;
  readonly #isLate: () => boolean;
  #partial: { readonly args: unknown[]; readonly next: number; readonly bytes: number } | undefined;

  constructor(special: SpecialReader, isLate: () => boolean) {
    this.#decoder = new DataDecoder(special);
    this.#isLate = isLate;
  }

  /** Begins a frame. */
  begin(reader: Reader): void {
    this.#decoder.begin(reader);
  }

  /** What is left of it lies elsewhere by now. */
  goOn(reader: Reader): void {
    this.#decoder.goOn(reader);
  }

  get isUnfinished(): boolean {
    return this.#partial !== undefined;
  }

  read(reader: Reader): unknown[] | typeof empty | typeof unfinished {
    const count = reader.varint();
    if (count === 0) return empty;
    const { args, next, bytes } = this.#partial ?? { args: newArguments(count, reader), next: 0, bytes: 0 };
    const start = reader.at;
    reader.at += bytes;
    for (let i = next; i < count; i++) {
      const value = this.#decoder.message(this.#isLate);
      if (value === unfinished) {
        this.#partial = { args, next: i, bytes: reader.at - start };
        return unfinished;
      }
      args[i] = value;
    }
    this.#partial = undefined;
    return args;
  }
}

function newArguments(count: number, reader: Reader): unknown[] {
  if (count > maxArguments) throw new ProtocolError(`A call has ${count} arguments.`);
  reader.need(count);
  return new Array<unknown>(count);
}
