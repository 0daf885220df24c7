import { UnpicklingError } from '../../errors.ts';
import { maxDataNodes, maxPickleMs } from '../../limits.ts';
import { FillTime } from '../../wire/fill-time.ts';
import { finish, Named } from './finish.ts';
import { type Charge, type Globals, type Known, plainGlobals } from './globals.ts';
import { decodeLong, parseFloat64, parseInteger } from './numbers.ts';
import { Op } from './opcodes.ts';
import { PickleReader } from './reader.ts';
import { PickleStack } from './stack.ts';
import { decodeEscapes, decodeText } from './text.ts';

const lastProtocol = 5;
const noScalar = Symbol('no scalar');

export interface LoadOptions {
  /** Every dict becomes a Map; otherwise those whose keys are all strings become plain objects. */
  readonly maps?: boolean | undefined;
  /** What may be named besides plain data; looked at first. */
  readonly globals?: Globals | undefined;
}

/**
 * Reads what CPython's `pickle.dumps` has written of plain data, in any protocol. Nothing is imported and nothing of the
 * message is run: what it names is looked up in a fixed table of what makes data.
 *
 * @throws UnpicklingError for anything else; `global` is what it names.
 */
export function loads(bytes: Uint8Array, options: LoadOptions = {}): unknown {
  try {
    return new Unpickler(bytes, options).run();
  } catch (error) {
    if (error instanceof UnpicklingError) throw error;
    // Some limit of V8's: of a text, of a Map.
    throw new UnpicklingError(`The message cannot be read: ${(error as Error).message}`, undefined, { cause: error });
  }
}

class Unpickler {
  readonly #reader: PickleReader;
  readonly #options: LoadOptions;
  readonly #stack = new PickleStack();
  /** To be frozen, when nothing in them is going to be replaced any more. */
  readonly #tuples: unknown[][] = [];
  /** Those that take a state. */
  readonly #made = new Map<unknown, Known>();
  #containers = 0;
  #copied = 0;
  readonly #time = new FillTime(maxPickleMs);

  constructor(bytes: Uint8Array, options: LoadOptions) {
    this.#reader = new PickleReader(bytes);
    this.#options = options;
  }

  run(): unknown {
    this.#time.begin();
    for (let op = this.#reader.u8(); op !== Op.stop; op = this.#reader.u8()) {
      const scalar = this.#scalar(op);
      if (scalar !== noScalar) this.#stack.push(scalar);
      else if (!this.#container(op) && !this.#housekeeping(op)) this.#call(op);
    }
    const [value] = this.#stack.take(1);
    if (!this.#stack.isEmpty || this.#reader.left > 0)
      throw new UnpicklingError('The message goes on behind its value.');
    return finish(value, this.#tuples, this.#options.maps === true);
  }

  #scalar(op: number): unknown {
    const reader = this.#reader;
    switch (op) {
      case Op.none:
        return null;
      case Op.newTrue:
        return true;
      case Op.newFalse:
        return false;
      case Op.binInt1:
        return reader.u8();
      case Op.binInt2:
        return reader.u16();
      case Op.binInt:
        return reader.i32();
      case Op.long1:
        return decodeLong(reader.raw(reader.u8()));
      case Op.long4:
        return decodeLong(reader.raw(reader.u32()));
      case Op.binFloat:
        return reader.f64();
      case Op.shortBinUnicode:
        return reader.text(reader.u8());
      case Op.binUnicode:
        return reader.text(reader.u32());
      case Op.binUnicode8:
        return reader.text(reader.u64());
      case Op.shortBinBytes:
        return new Uint8Array(reader.raw(reader.u8()));
      case Op.binBytes:
        return new Uint8Array(reader.raw(reader.u32()));
      case Op.binBytes8:
      case Op.byteArray8:
        return new Uint8Array(reader.raw(reader.u64()));
      case Op.int:
        return integer(reader.line().toString('latin1'));
      case Op.long:
        return parseInteger(reader.line().toString('latin1'));
      case Op.float:
        return parseFloat64(reader.line().toString('latin1'));
      case Op.unicode:
        return decodeEscapes(reader.line().toString('latin1'));
      default:
        return noScalar;
    }
  }

  #container(op: number): boolean {
    const stack = this.#stack;
    switch (op) {
      case Op.emptyTuple:
        return this.#tuple([]);
      case Op.tuple1:
        return this.#tuple(stack.take(1));
      case Op.tuple2:
        return this.#tuple(stack.take(2));
      case Op.tuple3:
        return this.#tuple(stack.take(3));
      case Op.tuple:
        return this.#tuple(stack.takeToMark());
      case Op.emptyList:
        return this.#push([]);
      case Op.list:
        return this.#push(stack.takeToMark());
      case Op.append:
        return this.#append(stack.take(1));
      case Op.appends:
        return this.#append(stack.takeToMark());
      case Op.emptyDict:
        return this.#push(new Map());
      case Op.dict: {
        const items = stack.takeToMark();
        return this.#push(new Map()) && this.#setItems(items);
      }
      case Op.setItem:
        return this.#setItems(stack.take(2));
      case Op.setItems:
        return this.#setItems(stack.takeToMark());
      case Op.emptySet:
        return this.#push(new Set());
      case Op.frozenSet:
        return this.#push(Object.freeze(this.#addItems(new Set(), stack.takeToMark())));
      case Op.addItems: {
        const items = stack.takeToMark();
        const set = stack.top();
        if (!(set instanceof Set)) throw malformed();
        this.#addItems(set, items);
        return true;
      }
      default:
        return false;
    }
  }

  /** Each has memory of its own, for as little as one byte of the message. */
  #push(container: unknown): true {
    if (++this.#containers > maxDataNodes)
      throw new UnpicklingError(`The message has more than ${maxDataNodes} lists, dicts and the like.`);
    this.#stack.push(container);
    return true;
  }

  #tuple(items: unknown[]): true {
    this.#tuples.push(items);
    return this.#push(items);
  }

  #append(items: readonly unknown[]): true {
    const list = this.#stack.top();
    if (!Array.isArray(list)) throw malformed();
    for (const item of items) list.push(item);
    return true;
  }

  #setItems(items: readonly unknown[]): true {
    const map = this.#stack.top();
    if (!(map instanceof Map) || items.length % 2 === 1) throw malformed();
    for (let i = 0; i < items.length; i += 2) {
      map.set(items[i], items[i + 1]);
      this.#checkTime();
    }
    return true;
  }

  #addItems(set: Set<unknown>, items: readonly unknown[]): Set<unknown> {
    for (const item of items) {
      set.add(item);
      this.#checkTime();
    }
    return set;
  }

  /** Of the whole message, as its dicts can be filled a little at a time. */
  #checkTime(): void {
    if (this.#time.isOver()) throw new UnpicklingError(`To read the message takes more than ${maxPickleMs} ms.`);
  }

  #housekeeping(op: number): boolean {
    const reader = this.#reader;
    const stack = this.#stack;
    switch (op) {
      case Op.mark:
        stack.mark();
        return true;
      case Op.pop:
        stack.drop();
        return true;
      case Op.popMark:
        stack.takeToMark();
        return true;
      case Op.dup:
        stack.push(stack.top());
        return true;
      case Op.memoize:
        stack.memoize();
        return true;
      case Op.binPut:
        stack.put(reader.u8());
        return true;
      case Op.longBinPut:
        stack.put(reader.u32());
        return true;
      case Op.put:
        stack.put(index(reader));
        return true;
      case Op.binGet:
        stack.push(stack.get(reader.u8()));
        return true;
      case Op.longBinGet:
        stack.push(stack.get(reader.u32()));
        return true;
      case Op.get:
        stack.push(stack.get(index(reader)));
        return true;
      case Op.proto: {
        const protocol = reader.u8();
        if (protocol <= lastProtocol) return true;
        throw new UnpicklingError(`The message is of protocol ${protocol}, which is too new.`);
      }
      case Op.frame:
        // How the writer has split the message: nothing has to be known of it, as all is there.
        if (reader.u64() > reader.left) throw new UnpicklingError('The message ends early.');
        return true;
      default:
        return false;
    }
  }

  #call(op: number): void {
    const reader = this.#reader;
    const stack = this.#stack;
    switch (op) {
      case Op.global:
        return stack.push(this.#find(decodeText(reader.line()), decodeText(reader.line())));
      case Op.stackGlobal: {
        const [module, name] = stack.take(2);
        if (typeof module !== 'string' || typeof name !== 'string') throw malformed();
        return stack.push(this.#find(module, name));
      }
      case Op.reduce:
      case Op.newObj: {
        const [named, args] = stack.take(2);
        return this.#make(named, args);
      }
      case Op.newObjEx: {
        const [named, args, keywords] = stack.take(3);
        if (!(keywords instanceof Map) || keywords.size > 0) throw malformed();
        return this.#make(named, args);
      }
      case Op.build: {
        const [state] = stack.take(1);
        const value = stack.top();
        const known = this.#made.get(value);
        if (known?.build === undefined) throw malformed();
        return known.build(value, state);
      }
      default:
        throw new UnpicklingError(`The message has an instruction that is not read here: 0x${op.toString(16)}.`);
    }
  }

  #find(module: string, name: string): Named {
    const known = this.#options.globals?.(module, name) ?? plainGlobals(module, name);
    const named = new Named(`${module}.${name}`, known);
    if (known === undefined) throw named.refused();
    return named;
  }

  #make(named: unknown, args: unknown): void {
    if (!(named instanceof Named) || named.known === undefined || !Array.isArray(args)) throw malformed();
    const value = named.known.make(args, this.#charge);
    if (named.known.build !== undefined) this.#made.set(value, named.known);
    this.#push(value);
  }

  readonly #charge: Charge = (count) => {
    this.#copied += count;
    // What is copied was written out before, each time.
    if (this.#copied > this.#reader.bytes.length)
      throw new UnpicklingError('The message copies a value again and again.');
  };
}

/** Protocols 0 and 1 write the two truth values as whole numbers with a zero in front. */
function integer(text: string): boolean | number | bigint {
  return text === '00' ? false : text === '01' ? true : parseInteger(text);
}

function index(reader: PickleReader): number {
  const text = reader.line().toString('latin1');
  if (!/^\d{1,9}$/.test(text)) throw malformed();
  return Number(text);
}

function malformed(): UnpicklingError {
  return new UnpicklingError('The message is not what a pickle of plain data looks like.');
}
