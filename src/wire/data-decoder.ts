import { ProtocolError } from '../errors.ts';
import { maxDataDepth, maxDataNodes, maxFillMs, maxInnerBytes } from '../limits.ts';
import { bigint, copy, view } from './data-leaves.ts';
import { DataTag } from './data-tags.ts';
import { defineField, readError } from './data-error.ts';
import { FillTime } from './fill-time.ts';
import { Filling } from './filling.ts';
import type { Reader } from './reader.ts';
import { isInherited, setOwn, type Shape, ShapeCache } from './shape-cache.ts';

/** Reads what the layer above has written behind `special`. */
export type SpecialReader = (decoder: DataDecoder) => unknown;

/** Between two looks at the clock. */
const valuesPerLook = 256;
/** In an array of numbers so many count as one value. */
const numbersAtOnce = 256;
/** Up to so many keys a shape is read in one go. */
const keysAtOnce = 256;
/** Of smaller maps and sets there cannot be enough for it to matter how long it takes to fill them. */
const minTimedEntries = 256;

/** In place of a message of which there is more to read. */
export const unfinished: unique symbol = Symbol('unfinished');

/**
 * Reads what a `DataEncoder` wrote, from whomever. Nothing that comes out can be called, has a class of ours or of the
 * user's, or runs anything when it is touched. Anything that the encoder would not have written is a `ProtocolError`.
 *
 * It does not recurse but has a stack of its own, so that it can stop in the middle of a message and go on later.
 */
export class DataDecoder {
  reader!: Reader;
  readonly #special: SpecialReader | undefined;
  readonly #cache = new ShapeCache();
  /** What is being read, the outermost first: `#depth` of them. Those above are kept to be used again. */
  readonly #stack: Filling[] = [];
  #depth = 0;
  #root: unknown;
  #memo: unknown[] = [];
  #shapes: Shape[] = [];
  #nodes = 0;
  readonly #maxNodes: number;
  #fillTime: FillTime | undefined;
  #isLate: (() => boolean) | undefined;
  #untilLook = valuesPerLook;
  #stops = false;
  #isInner = false;
  /** How many of those that are open are timed. */
  #timed = 0;

  constructor(special?: SpecialReader, maxNodes: number = maxDataNodes) {
    this.#special = special;
    this.#maxNodes = maxNodes;
  }

  /** Begins a frame: its values share one budget. */
  begin(reader: Reader): void {
    // Something may be open, if the frame before was malformed.
    this.#forget();
    this.#isInner = false;
    this.reader = reader;
    this.#nodes = 0;
    this.#fillTime = undefined;
  }

  /** The rest of a frame that was begun lies elsewhere by now. */
  goOn(reader: Reader): void {
    this.reader = reader;
  }

  /**
   * Decodes one message of the frame. Now and then `isLate` is asked: then the message is `unfinished`, and the next call begins
   * it, or goes on with it.
   */
  message(isLate?: () => boolean): unknown {
    this.#isLate = isLate;
    if (this.#depth === 0) {
      if (this.#isInterrupted(0)) return this.#stop();
      this.#charge(1, 1);
      this.#root = this.#value();
    } else if (this.#timed > 0) this.#fillTime!.begin();
    if (this.#depth > 0 && !this.#fill(0)) return this.#stop();
    const root = this.#root;
    this.#forget();
    return root;
  }

  #stop(): typeof unfinished {
    this.#stops = false;
    if (this.#timed > 0) this.#fillTime!.pause();
    return unfinished;
  }

  #forget(): void {
    if (this.#memo.length > 0) this.#memo = [];
    if (this.#shapes.length > 0) this.#shapes = [];
    while (this.#depth > 0) this.#close();
    this.#root = undefined;
  }

  /** A value within a special one, which is small: it is read in one go. */
  value(): unknown {
    const { reader } = this;
    const { end } = reader;
    reader.end = Math.min(end, reader.at + maxInnerBytes);
    const depth = this.#depth;
    this.#isInner = true;
    const value = this.#value();
    this.#fill(depth);
    this.#isInner = false;
    reader.end = end;
    return value;
  }

  /** Charges so many things of so many values each, before anything is made for them. */
  #charge(count: number, values: number): number {
    this.#nodes += count * values;
    if (this.#nodes > this.#maxNodes) throw new ProtocolError(`A frame has more than ${this.#maxNodes} values.`);
    return count;
  }

  /** The next value; a container is still to be filled. */
  #value(): unknown {
    const { reader } = this;
    const tag = reader.u8();
    switch (tag) {
      case DataTag.undefined:
        return undefined;
      case DataTag.null:
        return null;
      case DataTag.true:
        return true;
      case DataTag.false:
        return false;
      case DataTag.int:
        return reader.varint();
      case DataTag.negative:
        return -reader.varint();
      case DataTag.double:
        return reader.f64();
      case DataTag.string:
        return reader.string();
      case DataTag.bigint:
        return bigint(reader.string());
      case DataTag.back: {
        const index = reader.varint();
        if (index >= this.#memo.length) throw new ProtocolError('A message refers to a value that is not in it.');
        return this.#memo[index];
      }
      case DataTag.date:
        return this.#remember(new Date(reader.f64()));
      case DataTag.buffer:
        return this.#remember(copy(reader.raw(reader.count(1))));
      case DataTag.view:
        return this.#remember(view(reader));
      case DataTag.special:
        if (this.#special === undefined || this.#isInner)
          throw new ProtocolError('A message holds a shared object where none may come.');
        return this.#special(this);
      default:
        return this.#container(tag);
    }
  }

  #container(tag: number): unknown {
    const { reader } = this;
    switch (tag) {
      case DataTag.array: {
        const count = this.#charge(reader.count(1), 1);
        return this.#open(tag, count, new Array<unknown>(count)).target;
      }
      case DataTag.numbers: {
        const count = reader.count(8);
        return this.#open(tag, count, new Array<number>(count)).target;
      }
      case DataTag.shape: {
        const known = this.#cache.find(reader);
        if (known !== undefined) {
          this.#charge(known.keys.length, 1);
          return this.#record(this.#rememberShape(known));
        }
        const { at } = reader;
        const count = this.#charge(reader.count(1), 1);
        if (count > keysAtOnce) return this.#open(tag, count, {}).target;
        const shape = this.#cache.read(reader, at, count);
        if (new Set(shape.keys).size !== count) throw repeated('key');
        return this.#record(this.#rememberShape(shape));
      }
      case DataTag.record: {
        const shape = this.#shapes[reader.varint()];
        if (shape === undefined) throw new ProtocolError('A message refers to a shape that is not in it.');
        // Every record takes a byte of the frame at least, its fields too.
        this.#charge(shape.keys.length, 1);
        return this.#record(shape);
      }
      case DataTag.map:
        return this.#openTimed(tag, this.#charge(reader.count(2), 2), new Map());
      case DataTag.set:
        return this.#openTimed(tag, this.#charge(reader.count(1), 1), new Set());
      case DataTag.error: {
        const error = readError(reader);
        return this.#open(tag, this.#charge(reader.count32(2), 1), error).target;
      }
      default:
        throw new ProtocolError(`A message holds a value of unknown kind ${tag}.`);
    }
  }

  #remember<T>(value: T): T {
    this.#memo.push(value);
    return value;
  }

  #rememberShape(shape: Shape): Shape {
    this.#shapes.push(shape);
    return shape;
  }

  #open(tag: number, count: number, target: object): Filling {
    if (this.#depth >= maxDataDepth) throw new ProtocolError(`A message is nested more than ${maxDataDepth} deep.`);
    const filling = (this.#stack[this.#depth++] ??= new Filling());
    filling.tag = tag;
    filling.at = 0;
    filling.count = count;
    filling.target = this.#remember(target);
    return filling;
  }

  #record({ keys, unsafe }: Shape): unknown {
    const filling = this.#open(DataTag.record, keys.length, {});
    filling.keys = keys;
    filling.unsafe = unsafe;
    return filling.target;
  }

  #openTimed(tag: number, count: number, target: object): unknown {
    const filling = this.#open(tag, count, target);
    filling.isTimed = count >= minTimedEntries && this.#maxNodes < Infinity;
    // One lies in the other: their time is one.
    if (filling.isTimed && this.#timed++ === 0) (this.#fillTime ??= new FillTime(maxFillMs)).begin();
    return target;
  }

  #close(): void {
    const filling = this.#stack[--this.#depth]!;
    if (filling.isTimed && --this.#timed === 0) this.#fillTime!.pause();
    filling.clear();
  }

  /** Fills what is open, down to `depth`; false when it is late before all is full. */
  #fill(depth: number): boolean {
    while (this.#depth > depth) {
      const mine = this.#depth;
      const filling = this.#stack[mine - 1]!;
      this.#step(filling, mine);
      if (this.#depth === mine && filling.at === filling.count && filling.tag !== DataTag.shape) this.#close();
      if (this.#stops) break;
    }
    this.#stops = false;
    return this.#depth === depth;
  }

  /** Fills one until it is full, something in it has to be filled first, or it is late. */
  #step(filling: Filling, depth: number): void {
    switch (filling.tag) {
      case DataTag.array:
        return this.#fillArray(filling, depth);
      case DataTag.record:
        return this.#fillRecord(filling, depth);
      case DataTag.shape:
        return this.#readKeys(filling, depth);
      case DataTag.numbers:
        return this.#fillNumbers(filling, depth);
      case DataTag.map:
        return this.#fillMap(filling, depth);
      case DataTag.set:
        return this.#fillSet(filling, depth);
      default:
        return this.#fillError(filling, depth);
    }
  }

  /** After each value: whether it has to be filled first, or all is late. */
  #isInterrupted(depth: number): boolean {
    // In the middle of a special value it cannot stop: it looks behind that.
    if (--this.#untilLook <= 0 && !this.#isInner) {
      this.#untilLook = valuesPerLook;
      this.#stops = this.#isLate?.() ?? false;
    }
    return this.#depth > depth || this.#stops;
  }

  #fillArray(filling: Filling, depth: number): void {
    const array = filling.target as unknown[];
    while (filling.at < filling.count) {
      array[filling.at++] = this.#value();
      if (this.#isInterrupted(depth)) return;
    }
  }

  #fillNumbers(filling: Filling, depth: number): void {
    const array = filling.target as number[];
    while (filling.at < filling.count) {
      const count = Math.min(numbersAtOnce, filling.count - filling.at);
      this.reader.doubles(array, filling.at, count);
      filling.at += count;
      if (this.#isInterrupted(depth)) return;
    }
  }

  #fillRecord(filling: Filling, depth: number): void {
    const { keys, unsafe } = filling;
    const record = filling.target as Record<string, unknown>;
    while (filling.at < filling.count) {
      const key = keys[filling.at++]!;
      if (unsafe) setOwn(record, key, this.#value());
      else record[key] = this.#value();
      if (this.#isInterrupted(depth)) return;
    }
  }

  /** A shape of many keys, and then the record that it belongs to. */
  #readKeys(filling: Filling, depth: number): void {
    const keys = (filling.newKeys ??= new Set());
    while (filling.at < filling.count) {
      const key = this.reader.string();
      if (keys.has(key)) throw repeated('key');
      keys.add(key);
      if (isInherited(key)) filling.unsafe = true;
      filling.at++;
      if (this.#isInterrupted(depth)) return;
    }
    filling.keys = this.#rememberShape({ keys: Array.from(keys), unsafe: filling.unsafe }).keys;
    filling.newKeys = undefined;
    filling.tag = DataTag.record;
    filling.at = 0;
  }

  #fillMap(filling: Filling, depth: number): void {
    const map = filling.target as Map<unknown, unknown>;
    while (filling.at < filling.count) {
      if (!filling.hasKey) {
        filling.key = this.#value();
        filling.hasKey = true;
        if (this.#isInterrupted(depth)) return;
      }
      const { key } = filling;
      if (map.has(key)) throw repeated('key');
      filling.hasKey = false;
      filling.at++;
      map.set(key, this.#value());
      this.#checkTime(filling);
      if (this.#isInterrupted(depth)) return;
    }
  }

  #fillSet(filling: Filling, depth: number): void {
    const set = filling.target as Set<unknown>;
    while (filling.at < filling.count) {
      const member = this.#value();
      if (set.has(member)) throw repeated('member');
      filling.at++;
      set.add(member);
      this.#checkTime(filling);
      if (this.#isInterrupted(depth)) return;
    }
  }

  #fillError(filling: Filling, depth: number): void {
    const error = filling.target as Error;
    while (filling.at < filling.count) {
      const key = this.reader.string();
      if (Object.hasOwn(error, key)) throw repeated('key');
      filling.at++;
      defineField(error, key, this.#value(), key !== 'cause' && key !== 'errors');
      if (this.#isInterrupted(depth)) return;
    }
  }

  #checkTime({ isTimed }: Filling): void {
    if (!isTimed) return;
    const time = this.#fillTime!;
    if (time.isOver()) throw new ProtocolError(`To read the maps of a frame takes more than ${maxFillMs} ms.`);
    if (this.#untilLook > time.perLook) this.#untilLook = time.perLook;
  }
}

function repeated(what: 'key' | 'member'): ProtocolError {
  return new ProtocolError(`A message repeats a ${what}.`);
}
