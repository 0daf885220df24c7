import { types } from 'node:util';
import { giveUp, type Parcel } from '../memory/parcels.ts';
import { maxCodecDepth, maxKeyCheckedLength, minAttachmentBytes } from '../limits.ts';
import { encodeBuiltin } from './encode-builtin.ts';
import { encodeFunction } from './encode-function.ts';
import { encodeExact } from './encode-properties.ts';
import type { Definition, FunctionReader } from './forms.ts';
import { Path } from './path.ts';
import { hasAccessor, hasOnly, packing } from './shapes.ts';
import { release, type NetSocket } from './sockets.ts';
import { ShapeTable } from './shape-table.ts';
import { Tag, wellKnownSymbols } from './tags.ts';
import { isDetached, isMoving } from './transfer.ts';
import { definitionId } from './definitions.ts';
import { locate, unsendable } from './unsendable.ts';
import type { Writer } from './writer.ts';
import { symbols } from './identities.ts';

/** A buffer that travels beside the bytes of a message. */
export interface Attachment {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly moves: boolean;
  /** Where in its message what moves is. */
  readonly path?: string;
  /** Whose descriptor goes along; `buffer` only keeps the place. */
  readonly socket?: { readonly value: NetSocket; readonly path: string };
}

/** Where an encoder and its writer were, to go back to when a value turns out not to travel. */
export interface Mark {
  readonly length: number;
  readonly attachments: number;
  readonly parcels: number;
}

type Body = () => void;

export interface EncoderOptions {
  /** Whether SharedArrayBuffers can be handed over (threads). */
  readonly shares?: boolean;
  /** Whether open sockets can be handed over (to workers). */
  readonly hands?: boolean;
  /** How many bytes an ArrayBuffer has, at least, to go beside the message. */
  readonly leastBeside?: number;
}

/**
 * Writes values as bytes. One encoder serves one direction of one host; each call of `message` is a graph of its own:
 * identity and cycles are kept within it, and nothing is remembered afterwards.
 */
export class Encoder {
  readonly path: Path = new Path();
  readonly functions: FunctionReader | undefined;
  readonly shares: boolean;
  readonly hands: boolean;
  readonly leastBeside: number;
  /** What the messages since the last `drain` need to be sent along. */
  definitions: Set<Definition> = new Set();
  attachments: Attachment[] = [];
  /**
   * Shared objects since the list was last replaced, toward workers: the sender keeps them while it keeps the message, as that may
   * be sent again, to several, or to one that never reads it. Elsewhere each is counted as on its way.
   */
  kept: object[] | undefined;
  /** What these objects have on its way, since the list was last replaced. */
  parcels: Parcel[] = [];
  /** True while the variables of a function are written: there, what other modules export goes by reference. */
  capturing = false;
  writer!: Writer;

  /** The first attachment of the present message. */
  #base = 0;
  /** The numbers of what was written; the first value is kept beside, so that small messages need no table. */
  #memo = new Map<object | symbol, number>();
  #first: object | symbol | undefined;
  #count = 0;
  readonly #shapes = new ShapeTable();
  #depth = 0;
  #bodies: Body[] = [];

  constructor(functions?: FunctionReader, options: EncoderOptions = {}) {
    const { shares = false, hands = false, leastBeside = minAttachmentBytes } = options;
    this.functions = functions;
    this.shares = shares;
    this.hands = hands;
    this.leastBeside = leastBeside;
    if (hands) this.kept = [];
  }

  /**
   * Encodes one value and all that it reaches, behind the number of the frame's first attachment that is its own. On
   * failure nothing of it stays behind and the error names the path.
   */
  message(writer: Writer, value: unknown, phase: 'args' | 'result' = 'args'): void {
    const mark = this.mark(writer);
    this.#base = mark.attachments;
    writer.varint(this.#base);
    if (this.primitive(writer, value)) return;
    this.writer = writer;
    this.functions?.begin();
    try {
      this.value(value);
      this.#finish();
    } catch (error) {
      for (const { socket } of this.restore(writer, mark)) if (socket !== undefined) release(socket.value);
      throw locate(error, this.path, phase);
    } finally {
      this.functions?.end();
      this.#reset();
    }
  }

  /** Where this encoder and its writer are. */
  mark(writer: Writer): Mark {
    return { length: writer.length, attachments: this.attachments.length, parcels: this.parcels.length };
  }

  /** Goes back there: nothing stays of what was written since. Returns the attachments that this had. */
  restore(writer: Writer, mark: Mark): Attachment[] {
    writer.length = mark.length;
    if (this.parcels.length > mark.parcels) giveUp(this.parcels.splice(mark.parcels));
    return this.attachments.splice(mark.attachments);
  }

  #reset(): void {
    if (this.#count > 1) this.#memo.clear();
    this.#first = undefined;
    this.#count = 0;
    this.#shapes.clear();
    this.#depth = 0;
    if (this.#bodies.length > 0) this.#bodies = [];
    this.capturing = false;
    this.path.clear();
  }

  /** Bodies that were put off are written in the order of their heads; they may put off more. */
  #finish(): void {
    for (let i = 0; i < this.#bodies.length; i++) this.#bodies[i]!();
  }

  /** Runs `body` at the end of the message. The path and what is being captured stay as they are now. */
  defer(body: Body, capturing: boolean = this.capturing): void {
    const path = this.path.save();
    this.#bodies.push(() => {
      this.path.restore(path);
      this.capturing = capturing;
      body();
    });
  }

  /** Writes a value that has no identity; false, with nothing written, for any other. */
  primitive(writer: Writer, value: unknown): boolean {
    switch (typeof value) {
      case 'number':
        if (value === (value | 0) && (value !== 0 || Object.is(value, 0))) {
          writer.u8(value < 0 ? Tag.negative : Tag.int);
          writer.varint(value < 0 ? -value : value);
        } else {
          writer.u8(Tag.double);
          writer.f64(value);
        }
        return true;
      case 'string':
        writer.u8(Tag.string);
        writer.string(value);
        return true;
      case 'boolean':
        writer.u8(value ? Tag.true : Tag.false);
        return true;
      case 'undefined':
        writer.u8(Tag.undefined);
        return true;
      case 'bigint':
        writer.u8(Tag.bigint);
        writer.string(value.toString(16));
        return true;
      case 'object':
        if (value !== null) return false;
        writer.u8(Tag.null);
        return true;
      default:
        return false;
    }
  }

  /** Writes any value within the present message. */
  value(value: unknown): void {
    const { writer } = this;
    if (this.primitive(writer, value)) return;
    const key = value as object | symbol;
    const seen = key === this.#first ? 0 : this.#count > 1 ? this.#memo.get(key) : undefined;
    if (seen !== undefined) {
      writer.u8(Tag.back);
      writer.varint(seen);
      return;
    }
    if (typeof value === 'symbol') this.#symbol(value);
    else if (typeof value === 'function') encodeFunction(this, value as (...args: never[]) => unknown);
    else this.#object(value as object);
  }

  /** Gives a value its number; the decoder counts along, so this comes right after the value's head is determined. */
  remember(value: object | symbol): void {
    if (this.#count === 0) this.#first = value;
    else this.#memo.set(value, this.#count);
    this.#count++;
  }

  definition(definition: Definition): void {
    this.definitions.add(definition);
    this.writer.varint(definitionId(definition));
  }

  #symbol(value: symbol): void {
    const { writer } = this;
    const registered = Symbol.keyFor(value);
    const wellKnown = wellKnownSymbols.indexOf(value);
    if (registered !== undefined) {
      writer.u8(Tag.registeredSymbol);
      writer.string(registered);
    } else if (wellKnown >= 0) {
      writer.u8(Tag.wellKnownSymbol);
      writer.u8(wellKnown);
    } else {
      this.remember(value);
      writer.u8(Tag.symbol);
      writer.string(symbols.idOf(value));
      this.value(value.description);
    }
  }

  /** Goes one level down; true (with the tag written) when the nesting is too deep and the body has to be put off. */
  #nesting(): boolean {
    if (this.#depth < maxCodecDepth) {
      this.#depth++;
      return false;
    }
    this.writer.u8(Tag.later);
    return true;
  }

  #later(body: () => void): void {
    this.defer(() => {
      this.#depth = 0;
      body();
    });
  }

  /** Writes a head and its body, the body later where the nesting is deep. */
  nest(head: () => void, body: () => void): void {
    const later = this.#nesting();
    head();
    if (later) return this.#later(body);
    body();
    this.#depth--;
  }

  #object(value: object): void {
    if (this.capturing) {
      const reference = this.functions?.referenceOf(value);
      if (reference !== undefined) return this.reference(reference);
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (Array.isArray(value)) this.#array(value, prototype);
    else if (prototype === Object.prototype && !types.isProxy(value) && !Object.hasOwn(value, 'constructor'))
      this.plain(value as Record<string, unknown>);
    else encodeBuiltin(this, value, prototype as object | null);
  }

  reference(reference: Definition): void {
    this.writer.u8(Tag.reference);
    this.definition(reference);
  }

  #array(value: readonly unknown[], prototype: unknown): void {
    if (types.isProxy(value)) throw unsendable('a Proxy cannot be sent', 'Send a plain copy of what it stands for.');
    const { length } = value;
    const kind = packing(value);
    const plain =
      prototype === Array.prototype &&
      kind !== 'sparse' &&
      (length > maxKeyCheckedLength || Object.keys(value).length === length) &&
      Object.isExtensible(value);
    if (!plain) return encodeExact(this, value, prototype as object | null, Array.prototype, Tag.sparse, length);
    this.remember(value);
    const { writer } = this;
    if (kind === 'ints') {
      writer.u8(Tag.ints);
      writer.varint(length);
      for (let i = 0; i < length; i++) writer.i32(value[i] as number);
    } else if (kind === 'doubles') {
      writer.u8(Tag.doubles);
      writer.varint(length);
      writer.doubles(value as number[], 0, length);
    } else {
      const later = this.#nesting();
      writer.u8(Tag.array);
      writer.varint(length);
      if (later) return this.#later(() => this.#items(value, length));
      this.#items(value, length);
      this.#depth--;
    }
  }

  /** As many items as the head said, whatever a getter has done to the array since. */
  #items(value: readonly unknown[], length: number): void {
    const { path } = this;
    path.push(0);
    for (let i = 0; i < length; i++) {
      path.step(i);
      this.value(value[i]);
    }
    path.pop();
  }

  /** An object whose prototype is `Object.prototype`, of whichever realm. */
  plain(value: Record<string, unknown>): void {
    const keys = Object.keys(value);
    const simple = hasOnly(value, keys) && !(this.capturing && hasAccessor(value, keys));
    if (simple) return this.record(value, keys);
    if (types.isArgumentsObject(value) && !this.capturing)
      throw unsendable('a list of `arguments` cannot be sent', 'Send `[...arguments]`.');
    encodeExact(this, value, Object.prototype, Object.prototype, Tag.exact, 0);
  }

  /** A shape and its values; class instances have one behind their prototype. */
  record(value: Record<string, unknown>, keys: readonly string[]): void {
    this.remember(value);
    const later = this.#nesting();
    this.#shape(keys);
    if (later) return this.#later(() => this.fields(value, keys));
    this.fields(value, keys);
    this.#depth--;
  }

  /** The values of string keys, in the order in which the shape names them. */
  fields(value: Record<string, unknown>, keys: readonly string[]): void {
    const { path } = this;
    path.push('');
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      path.step(key);
      this.value(value[key]);
    }
    path.pop();
  }

  /** Objects of a shape that came before in this message do not repeat their keys. */
  #shape(keys: readonly string[]): void {
    const { writer } = this;
    const known = this.#shapes.find(keys);
    if (known !== undefined) {
      writer.u8(Tag.record);
      writer.varint(known);
      return;
    }
    writer.u8(Tag.shape);
    writer.varint(keys.length);
    for (const key of keys) writer.string(key);
  }

  /** An ArrayBuffer: small ones within the bytes, large and moving ones beside them. */
  buffer(buffer: ArrayBuffer | SharedArrayBuffer): void {
    const { writer } = this;
    if (isDetached(buffer)) throw movedAway();
    if (isMoving(buffer)) return this.#move(buffer as ArrayBuffer);
    if (types.isSharedArrayBuffer(buffer)) {
      if (!this.shares) {
        throw unsendable('a SharedArrayBuffer cannot be shared with another process', 'Use a ThreadPool for it.');
      }
    } else if (buffer.byteLength < this.leastBeside) {
      writer.u8(Tag.bytes);
      writer.varint(buffer.byteLength);
      writer.raw(new Uint8Array(buffer));
      return;
    }
    writer.u8(Tag.attachment);
    writer.varint(this.attach({ buffer, moves: false }));
  }

  #move(buffer: ArrayBuffer): void {
    if (this.capturing)
      throw unsendable('a buffer that is to be moved cannot be captured', 'Give it to the function as an argument.');
    // Another message of this frame may have it, which has not left yet.
    const { attachments } = this;
    for (let i = 0; i < this.#base; i++) if (attachments[i]!.buffer === buffer) throw movedAway();
    this.writer.u8(Tag.attachment);
    this.writer.varint(this.attach({ buffer, moves: true, path: this.path.toString() }));
  }

  /** Returns its number in the message. */
  attach(attachment: Attachment): number {
    return this.attachments.push(attachment) - 1 - this.#base;
  }
}

function movedAway(): Error {
  return unsendable('its memory was moved away', 'What `transfer` gives to one message no other one can have.');
}
