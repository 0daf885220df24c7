import { types } from 'node:util';
import { maxDataDepth } from '../../limits.ts';
import { MapKey, Path, setValues } from '../../wire/path.ts';
import { hasAccessor, isTwin } from '../../wire/shapes.ts';
import { article, locate, unsendable } from '../../wire/unsendable.ts';
import { encodeLong } from './numbers.ts';
import { Op } from './opcodes.ts';
import { type Call, type CallOf, callOf, PythonName } from './calls.ts';
import { PickleWriter } from './writer.ts';

/** As many as CPython writes at once. */
const batch = 1_000;

/**
 * Writes a value as a pickle of protocol 4, which Python reads from 3.4 on. Identity and cycles are kept within the value.
 *
 * @param more - Tells of objects that are no plain data how Python makes them.
 * @throws SerializationError with the path to what is no plain data.
 */
export function dumps(value: unknown, more?: CallOf): Buffer {
  return new Pickler(more).run(value);
}

class Pickler {
  readonly #out = new PickleWriter();
  /** What was written before, with its number: objects, and the keys of plain objects. */
  readonly #memo = new Map<unknown, number>();
  /** The same for what is called. */
  readonly #globals = new Map<unknown, number>();
  readonly #path = new Path();
  #depth = 0;
  readonly #more: CallOf | undefined;

  constructor(more: CallOf | undefined) {
    this.#more = more;
  }

  run(value: unknown): Buffer {
    this.#out.op(Op.proto);
    this.#out.u8(4);
    try {
      this.#value(value);
    } catch (error) {
      throw locate(error, this.#path, 'args');
    }
    this.#out.op(Op.stop);
    return this.#out.take();
  }

  #value(value: unknown): void {
    const out = this.#out;
    switch (typeof value) {
      case 'number':
        // What is beyond 2^53 is no whole number that is known exactly.
        if (Number.isSafeInteger(value) && !Object.is(value, -0)) out.integer(value);
        else out.float(value);
        return;
      case 'string':
        return out.text(value);
      case 'boolean':
        return out.op(value ? Op.newTrue : Op.newFalse);
      case 'undefined':
        return out.op(Op.none);
      case 'bigint':
        return out.long(encodeLong(value));
      case 'object':
        return value === null ? out.op(Op.none) : this.#reference(value);
      default:
        throw unsendable(`${article(typeof value)} is nothing that Python has`, onlyData);
    }
  }

  #reference(value: object): void {
    const seen = this.#memo.get(value);
    if (seen !== undefined) return this.#out.get(seen);
    if (++this.#depth > maxDataDepth)
      throw unsendable(`it is nested more than ${maxDataDepth} levels deep`, 'Send it in parts.');
    this.#object(value);
    this.#depth--;
  }

  /** What was written last can be referred to from now on. */
  #remember(value: unknown, memo: Map<unknown, number> = this.#memo): void {
    memo.set(value, this.#memo.size + this.#globals.size);
    this.#out.op(Op.memoize);
  }

  #object(value: object): void {
    if (types.isProxy(value)) throw unsendable('a Proxy cannot be sent', 'Send a plain copy of what it stands for.');
    if (Array.isArray(value)) return Object.isFrozen(value) ? this.#tuple(value) : this.#list(value);
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === null || prototype === Object.prototype || isTwin(prototype, Object.prototype))
      return this.#record(value as Record<string, unknown>);
    if (types.isMap(value)) return this.#map(value);
    if (types.isSet(value)) return Object.isFrozen(value) ? this.#frozenSet(value) : this.#set(value);
    if (types.isUint8Array(value)) return this.#bytes(value, value);
    if (types.isAnyArrayBuffer(value)) return this.#bytes(value, new Uint8Array(value));
    if (value instanceof PythonName) return this.#name(value);
    const call = this.#more?.(value) ?? callOf(value);
    if (call !== undefined) return this.#call(value, call);
    const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    const name = typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'class';
    throw unsendable(`an instance of ${name} is nothing that Python has`, onlyData);
  }

  #bytes(value: object, bytes: Uint8Array): void {
    this.#out.bytes(bytes);
    this.#remember(value);
  }

  #list(value: readonly unknown[]): void {
    const out = this.#out;
    out.op(Op.emptyList);
    this.#remember(value);
    this.#path.push(0);
    for (let from = 0; from < value.length; from += batch) {
      out.op(Op.mark);
      this.#items(value, from, Math.min(from + batch, value.length));
      out.op(Op.appends);
    }
    this.#path.pop();
  }

  #items(value: readonly unknown[], from: number, to: number): void {
    for (let i = from; i < to; i++) {
      this.#path.step(i);
      this.#value(value[i]);
    }
  }

  /** It is made when all its items are there: one of them may have led to it, and made it by then. */
  #tuple(value: readonly unknown[]): void {
    const out = this.#out;
    if (value.length === 0) return out.op(Op.emptyTuple);
    out.op(Op.mark);
    this.#path.push(0);
    this.#items(value, 0, value.length);
    this.#path.pop();
    const seen = this.#memo.get(value);
    if (seen === undefined) {
      out.op(Op.tuple);
      return this.#remember(value);
    }
    out.op(Op.popMark);
    out.get(seen);
  }

  #record(value: Record<string, unknown>): void {
    const keys = Object.keys(value);
    if (hasAccessor(value, keys))
      throw unsendable('it has a getter, which is not data', 'Send the value that it gives.');
    if (Object.getOwnPropertySymbols(value).length > 0)
      throw unsendable('it has symbols as keys, which are not data', onlyData);
    this.#dict(
      value,
      keys.length,
      keys.map((key): [string, unknown] => [key, value[key]]),
      (key) => this.#repeated(key as string),
    );
  }

  #map(value: Map<unknown, unknown>): void {
    this.#dict(value, value.size, value, (key) => {
      this.#path.step(new MapKey(key));
      this.#value(key);
    });
  }

  #dict(value: object, size: number, entries: Iterable<[unknown, unknown]>, writeKey: (key: unknown) => void): void {
    const out = this.#out;
    out.op(Op.emptyDict);
    this.#remember(value);
    if (size === 0) return;
    this.#path.push('');
    let open = 0;
    for (const [key, item] of entries) {
      if (open === 0) out.op(Op.mark);
      this.#path.step(typeof key === 'string' ? key : new MapKey(key));
      writeKey(key);
      this.#value(item);
      if (++open < batch) continue;
      out.op(Op.setItems);
      open = 0;
    }
    if (open > 0) out.op(Op.setItems);
    this.#path.pop();
  }

  /** A text that is likely to come again. */
  #repeated(text: string): void {
    const seen = this.#memo.get(text);
    if (seen !== undefined) return this.#out.get(seen);
    this.#out.text(text);
    this.#remember(text);
  }

  #set(value: Set<unknown>): void {
    const out = this.#out;
    out.op(Op.emptySet);
    this.#remember(value);
    out.op(Op.mark);
    this.#members(value);
    out.op(Op.addItems);
  }

  #frozenSet(value: Set<unknown>): void {
    this.#out.op(Op.mark);
    this.#members(value);
    this.#out.op(Op.frozenSet);
    this.#remember(value);
  }

  #members(value: Set<unknown>): void {
    this.#path.push(setValues);
    for (const item of value) this.#value(item);
    this.#path.pop();
  }

  #call(value: object, call: Call): void {
    this.#name(call);
    this.#tuple(call.args);
    this.#out.op(Op.reduce);
    this.#remember(value);
  }

  #name({ module, name }: PythonName): void {
    const out = this.#out;
    const global = `${module}\n${name}\n`;
    const seen = this.#globals.get(global);
    if (seen === undefined) {
      out.op(Op.global);
      out.ascii(global);
      this.#remember(global, this.#globals);
    } else {
      out.get(seen);
    }
  }
}

const onlyData =
  'Plain data is sent: numbers, strings, arrays, plain objects, Map, Set, bytes, Date, and the dates and times of manycore/connection.';
