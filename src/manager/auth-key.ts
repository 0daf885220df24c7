import { createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes, scryptSync } from 'node:crypto';
import { inspect } from 'node:util';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { refusal } from '../wire/encode-builtin.ts';

/** Keys shorter than this may be guessed: they are made expensive to try. */
const strongBytes = 32;
const salt = 'manycore-key-v1';

/** Of short keys, by their bytes: each proxy that comes to a task comes with its key. */
const stretched = new Map<string, Buffer>();
const mostStretched = 100;

/** Makes each try of who guesses expensive. */
function stretch(raw: Uint8Array): Buffer {
  const name = Buffer.from(raw).toString('latin1');
  let master = stretched.get(name);
  if (master === undefined) {
    master = scryptSync(raw, salt, strongBytes, { N: 2 ** 14 });
    if (stretched.size >= mostStretched) stretched.clear();
    stretched.set(name, master);
  }
  return master;
}

/** The secret of a server and its clients. It is never shown, logged or sent over a network. */
export class AuthKey {
  readonly #raw: Uint8Array;
  #master: Buffer | undefined;

  /**
   * @throws ArgumentTypeError, ArgumentRangeError when it is no key.
   */
  constructor(key: unknown) {
    if (typeof key === 'string') this.#raw = Buffer.from(key);
    else if (key instanceof Uint8Array) this.#raw = Buffer.from(key);
    else throw new ArgumentTypeError('Cannot use this authKey: expected bytes or a string.');
    if (this.#raw.length === 0) throw new ArgumentRangeError('Cannot use an empty authKey: anybody could connect.');
  }

  static random(): AuthKey {
    return new AuthKey(randomBytes(strongBytes));
  }

  /** For those that this program started, over their own channel, and nobody else. */
  get raw(): Uint8Array {
    return this.#raw;
  }

  /** A key for one purpose, from which neither this one nor another can be told. */
  derive(purpose: string): KeyObject {
    this.#master ??= this.#raw.length >= strongBytes ? Buffer.from(this.#raw) : stretch(this.#raw);
    return createSecretKey(Buffer.from(hkdfSync('sha256', this.#master, salt, purpose, 32)));
  }

  /** Tells keys apart without telling them. */
  get fingerprint(): string {
    return createHmac('sha256', this.derive('fingerprint')).digest('hex').slice(0, 16);
  }

  toString(): string {
    return '<authKey>';
  }

  toJSON(): string {
    return '<authKey>';
  }
}

Object.defineProperties(AuthKey.prototype, {
  [refusal]: { value: 'Cannot send {path}: an authKey does not travel. Hand it over by other means.' },
  [inspect.custom]: { value: () => '<authKey>' },
});
