import { ArgumentTypeError, SerializationError } from '../errors.ts';
import { maxKnownFunctions } from '../limits.ts';
import { DataDecoder } from '../wire/data-decoder.ts';
import { DataEncoder } from '../wire/data-encoder.ts';
import { DataTag } from '../wire/data-tags.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { Foreign, Managed } from './managed.ts';
import type { Callback, Code } from './objects/slot.ts';
import { pack, unpack } from './pack.ts';
import { Packed } from './packed.ts';
import { proxyMaker } from './proxy-maker.ts';

/** What the server of these objects is to code of the user's that runs in it. */
export interface Stand {
  /** A proxy for an object of this server, as others have them. */
  proxyOf(managed: Managed): object;
  /** What such a proxy stands for. */
  standsFor(value: object): Managed | Foreign | undefined;
}

/** Runs what clients send, for a server that takes code. */
export class ServerCode implements Code {
  readonly #stand: Stand;
  /** Functions that are the same however often they are decoded, by their bytes. */
  readonly #known = new Map<string, Callback>();

  constructor(stand: Stand) {
    this.#stand = stand;
  }

  functionOf(value: unknown): Callback | Promise<Callback> {
    if (typeof value === 'function') return value as Callback;
    if (!(value instanceof Packed)) throw new ArgumentTypeError('Cannot call this: expected a function.');
    if (!value.isConstant) return loaded(unpack(value.bytes));
    const key = value.bytes.toString('latin1');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const keep = (callback: Callback): Callback => {
      if (this.#known.size >= maxKnownFunctions) this.#known.clear();
      this.#known.set(key, callback);
      return callback;
    };
    const callback = loaded(unpack(value.bytes));
    return callback instanceof Promise ? callback.then(keep) : keep(callback);
  }

  /** A copy: what is stored changes only by what is given back. */
  reveal(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Packed) return unpack(value.bytes);
    const found: unknown[] = [];
    const copy = recode(value, (each) => {
      if (each instanceof Managed) return found.push(this.#stand.proxyOf(each)) - 1;
      if (each instanceof Packed) return found.push(unpack(each.bytes)) - 1;
      if (each instanceof Foreign) return found.push(proxyMaker.attach(each.state)) - 1;
      return undefined;
    });
    if (!found.some((each) => each instanceof Promise)) return copy(found);
    return Promise.all(found).then(copy);
  }

  conceal(value: unknown): unknown {
    if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return value;
    const found: object[] = [];
    try {
      return recode(value, (each) => {
        const stands = this.#stand.standsFor(each);
        if (stands === undefined) return undefined;
        if (stands instanceof Managed) stands.stored = true;
        return found.push(stands) - 1;
      })(found);
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error;
      return packForClients(value);
    }
  }
}

/** Anything, as bytes for those who use this thread's server. */
export function packForClients(value: unknown): Packed {
  let bytes: Buffer;
  proxyMaker.collect(undefined, () => (bytes = pack(value)));
  return new Packed(bytes!, false, []);
}

function loaded(value: unknown): Callback | Promise<Callback> {
  const check = (each: unknown): Callback => {
    if (typeof each !== 'function') throw new ArgumentTypeError('Cannot call this: expected a function.');
    return each as Callback;
  };
  return value instanceof Promise ? value.then(check) : check(value);
}

/** A copy of data in which some objects are replaced: `find` numbers them, the function returned puts others in their place. */
function recode(
  value: unknown,
  find: (each: object) => number | undefined,
): (replacements: readonly unknown[]) => unknown {
  const writer = new Writer(256);
  const encoder = new DataEncoder({
    special: (each) => {
      const place = find(each);
      if (place === undefined) return false;
      writer.u8(DataTag.special);
      writer.varint(place);
      return true;
    },
  });
  encoder.message(writer, value);
  return (replacements) => {
    const reader = new Reader(writer.written());
    const decoder = new DataDecoder(() => replacements[reader.varint()], Infinity);
    decoder.begin(reader);
    return decoder.message();
  };
}
