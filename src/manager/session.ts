import type { Socket } from 'node:net';
import {
  ArgumentRangeError,
  MethodNotExposedError,
  ObjectGoneError,
  ProtocolError,
  SerializationError,
} from '../errors.ts';
import {
  managerSpinUs,
  maxClientReferences,
  maxRemoteMessageLength,
  maxUnsentBytes,
  maxWaitingCalls,
  slowReaderMs,
} from '../limits.ts';
import { monotonicMs } from '../monotonic.ts';
import { DataDecoder } from '../wire/data-decoder.ts';
import { DataEncoder } from '../wire/data-encoder.ts';
import { DataTag } from '../wire/data-tags.ts';
import { Reader } from '../wire/reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { Link } from './link.ts';
import { Foreign, Managed } from './managed.ts';
import type { ObjectTable } from './object-table.ts';
import { aborted, Call, type Holder, type Leased } from './objects/call.ts';
import { IteratorObject, isIterable } from './objects/iterator.ts';
import { type Code, isThenable } from './objects/slot.ts';
import { pack } from './pack.ts';
import { Packed } from './packed.ts';
import { idBytes, Special, ToClient, ToServer } from './protocol.ts';
import type { ObjectType } from './types.ts';

/** The server, as the sessions of its clients see it. */
export interface Host {
  readonly objects: ObjectTable;
  readonly maxFrameBytes: number;
  readonly code: Code | undefined;
  readonly exposeStacks: boolean;
  typeOf(name: string): ObjectType;
  /** What a proxy that code of the user's gives back stands for, as it is kept here; undefined for any other object. */
  standsFor(value: object): Managed | Foreign | undefined;
  /** What can be asked of the server itself. */
  manage(what: string, args: readonly unknown[]): unknown;
  ended(session: Session): void;
}

/** What a client has under a number. */
interface Entry {
  managed: Managed | undefined;
  /** How often it was given. */
  count: number;
  /** Why there is none. */
  error?: Error;
  /** It is being made, or looked for. */
  wait?: Promise<void>;
}

const maxArguments = 65_536;
const empty = Symbol('no arguments');

/**
 * One client: its references, its calls, what it holds. Its frames are taken in order; what a call gives at once is answered
 * with the others of its frame, what waits is answered when it comes. When the client is gone so is all that it held.
 */
export class Session implements Holder {
  readonly leases: Set<Leased> = new Set();
  readonly link: Link;
  lastHeardMs: number = monotonicMs();
  readonly #host: Host;
  readonly #out: FrameWriter;
  readonly #encoder: DataEncoder;
  readonly #decoder: DataDecoder;
  readonly #entries = new Map<number, Entry>();
  /** What the client was given, by the object: one number for each. */
  readonly #given = new Map<Managed, number>();
  readonly #waiting = new Map<number, Call>();
  readonly #onGone = new Set<() => void>();
  #lastGiven = 0;
  /** Calls in a row that gave undefined and are yet to be answered. */
  #range = { first: 0, count: 0 };
  #failure: Error | undefined;
  #slowTimer: NodeJS.Timeout | undefined;
  #scheduled = false;
  #spinning = false;

  constructor(host: Host, socket: Socket) {
    this.#host = host;
    this.#out = new FrameWriter(host.maxFrameBytes);
    this.#encoder = new DataEncoder((value, encoder) => this.#writeSpecial(value, encoder));
    this.#decoder = new DataDecoder((decoder) => this.#readSpecial(decoder));
    this.link = new Link(socket, host.maxFrameBytes, {
      frame: (body) => this.#frame(body),
      idle: () => this.#idle(),
      closed: () => this.#ended(),
    });
  }

  get code(): Code | undefined {
    return this.#host.code;
  }

  get isGone(): boolean {
    return this.link.closed;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get references(): number {
    return this.#entries.size;
  }

  #frame(body: Buffer): void {
    this.lastHeardMs = monotonicMs();
    const reader = new Reader(body);
    this.#decoder.begin(reader);
    try {
      while (reader.at < reader.end) this.#record(reader.u8(), reader);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      throw new ProtocolError(`A frame could not be read: ${String(error)}`, { cause: error });
    }
  }

  #record(op: number, reader: Reader): void {
    switch (op) {
      case ToServer.call:
        return this.#call(reader);
      case ToServer.create:
        return this.#create(reader);
      case ToServer.attach:
        return this.#attach(reader);
      case ToServer.drop:
        return this.#drop(reader.varint(), reader.varint());
      case ToServer.cancel:
        return this.#waiting.get(reader.varint())?.giveUp(aborted());
      case ToServer.travel: {
        const managed = this.#entry(reader.varint()).managed;
        if (managed !== undefined) this.#host.objects.travel(managed);
        return undefined;
      }
      case ToServer.ping: {
        const mark = this.#out.open();
        this.#out.writer.u8(ToClient.pong);
        return this.#out.close(mark);
      }
      case ToServer.pong:
        return undefined;
      case ToServer.manage:
        return this.#manage(reader);
      default:
        throw new ProtocolError(`A client sent a record of unknown kind ${op}.`);
    }
  }

  #entry(number: number): Entry {
    const entry = this.#entries.get(number);
    if (entry === undefined) throw new ProtocolError(`A client uses reference ${number}, which it does not have.`);
    return entry;
  }

  /** A number that the client has chosen. */
  #enter(number: number): Entry {
    if (number % 2 === 0 || this.#entries.has(number))
      throw new ProtocolError(`A client chose ${number} for a new reference.`);
    if (this.#entries.size >= maxClientReferences)
      throw new ProtocolError(`A client has more than ${maxClientReferences} references.`);
    const entry: Entry = { managed: undefined, count: 1 };
    this.#entries.set(number, entry);
    return entry;
  }

  #have(number: number, entry: Entry, managed: Managed): void {
    entry.managed = managed;
    // It may have been dropped meanwhile.
    if (this.#entries.get(number) !== entry || this.link.closed) return;
    this.#host.objects.hold(managed);
  }

  #create(reader: Reader): void {
    const number = reader.varint();
    const name = reader.string();
    const id = reader.raw(idBytes).toString('hex');
    const args = this.#arguments(reader);
    const entry = this.#enter(number);
    const { objects } = this.#host;
    this.#settle(entry, () => {
      if (objects.has(id)) throw new ProtocolError('A client chose a name that is taken.');
      const type = this.#host.typeOf(name);
      return this.#withArguments(type, args, (revealed) => {
        const target = type.create(new Call(this), ...revealed);
        const have = (made: unknown): void => this.#have(number, entry, objects.add(targetOf(made, name), type, id));
        return isThenable(target) ? target.then(have) : have(target);
      });
    });
  }

  #attach(reader: Reader): void {
    const number = reader.varint();
    const id = reader.raw(idBytes).toString('hex');
    const mayCome = reader.u8() === 1;
    const entry = this.#enter(number);
    this.#settle(entry, () => {
      const found = this.#host.objects.find(id, mayCome ? this.#onGone : undefined);
      const have = (managed: Managed): void => this.#have(number, entry, managed);
      return found instanceof Promise ? found.then(have) : have(found);
    });
  }

  /** Makes an entry what it is to be. What goes wrong is told to those who call it. */
  #settle(entry: Entry, make: () => unknown): void {
    const failed = (error: unknown): void => {
      entry.error = error instanceof Error ? error : new ObjectGoneError(`It could not be made: ${String(error)}`);
    };
    try {
      const wait = make();
      if (!isThenable(wait)) return;
      entry.wait = this.#until(entry, wait, failed);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      failed(error);
    }
  }

  async #until(entry: Entry, wait: PromiseLike<unknown>, failed: (error: unknown) => void): Promise<void> {
    try {
      await wait;
    } catch (error) {
      failed(error);
    } finally {
      delete entry.wait;
    }
  }

  #drop(number: number, count: number): void {
    const entry = this.#entry(number);
    if (count > entry.count) throw new ProtocolError('A client drops a reference that it does not have.');
    entry.count -= count;
    if (entry.managed !== undefined) this.#host.objects.release(entry.managed, count);
    if (entry.count > 0) return;
    this.#entries.delete(number);
    if (entry.managed !== undefined && this.#given.get(entry.managed) === number) this.#given.delete(entry.managed);
  }

  #arguments(reader: Reader): unknown[] | typeof empty {
    const count = reader.varint();
    if (count === 0) return empty;
    if (count > maxArguments) throw new ProtocolError(`A call has ${count} arguments.`);
    reader.need(count);
    const args = new Array<unknown>(count);
    for (let i = 0; i < count; i++) args[i] = this.#decoder.message();
    return args;
  }

  #call(reader: Reader): void {
    const id = reader.varint();
    const number = reader.varint();
    const method = reader.string();
    const args = this.#arguments(reader);
    const entry = this.#entry(number);
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) return this.#failed(id, failure);
    if (entry.wait !== undefined)
      return this.#later(
        id,
        entry.wait.then(() => this.#run(id, entry, method, args)),
      );
    try {
      this.#answer(id, this.#run(id, entry, method, args));
    } catch (error) {
      this.#failed(id, error);
    }
  }

  #run(id: number, { managed, error }: Entry, name: string, args: unknown[] | typeof empty): unknown {
    if (managed === undefined) throw error ?? new ObjectGoneError('The shared object could not be made.');
    const { type, target } = managed;
    const method = type.methodsOf(target).get(name);
    if (method === undefined) {
      throw new MethodNotExposedError(
        `Cannot call ${JSON.stringify(name.slice(0, 100))} of a ${type.name}: it has no such method, or does not expose it.`,
      );
    }
    const call = new Call(this);
    const made = type.isUsers
      ? this.#resultOf(
          managed,
          name,
          this.#withArguments(type, args, (revealed) => method.call(target, call, ...revealed)),
        )
      : args === empty
        ? method.call(target, call)
        : method.call(target, call, ...args);
    if (isThenable(made)) {
      if (this.#waiting.size >= maxWaitingCalls)
        throw new ArgumentRangeError(`Cannot wait: ${maxWaitingCalls} calls of this client are waiting already.`);
      if (this.#waiting.has(id)) throw new ProtocolError(`A client uses call number ${id} twice.`);
      this.#waiting.set(id, call);
    }
    return made;
  }

  /** The user's code gets instances and proxies in place of what stands for them here. */
  #withArguments(
    type: ObjectType,
    args: unknown[] | typeof empty,
    run: (args: readonly unknown[]) => unknown,
  ): unknown {
    if (args === empty) return run([]);
    if (!type.isUsers || this.code === undefined) return run(args);
    const { code } = this;
    const revealed = args.map((arg) => code.reveal(arg));
    return revealed.some(isThenable) ? Promise.all(revealed).then(run) : run(revealed);
  }

  /** What a method of the user's gave, as it is told: a new shared object where its type says so. */
  #resultOf({ type }: Managed, name: string, result: unknown): unknown {
    if (isThenable(result)) return result.then((value) => this.#resultOf({ type } as Managed, name, value));
    const as = type.results.get(name);
    if (as === undefined) return result;
    const target = as === 'Iterator' && isIterable(result) ? new IteratorObject(result) : targetOf(result, as);
    return this.#host.objects.add(target, this.#host.typeOf(as));
  }

  #manage(reader: Reader): void {
    const id = reader.varint();
    const what = reader.string();
    const args = this.#arguments(reader);
    try {
      this.#answer(id, this.#host.manage(what, args === empty ? [] : args));
    } catch (error) {
      this.#failed(id, error);
    }
  }

  #answer(id: number, result: unknown): void {
    if (isThenable(result)) return this.#later(id, result);
    if (result === undefined) {
      const range = this.#range;
      if (range.count > 0 && range.first + range.count === id) {
        range.count++;
        return;
      }
      this.#flushRange();
      this.#range = { first: id, count: 1 };
      return;
    }
    this.#flushRange();
    const mark = this.#out.open();
    const { writer } = this.#out;
    writer.u8(ToClient.done);
    writer.varint(id);
    try {
      this.#write(result);
      this.#out.close(mark);
    } catch (error) {
      this.#out.rollback(mark);
      this.#failed(id, error);
    }
  }

  /** As data, or, where that is allowed, as anything. */
  #write(value: unknown): void {
    const { writer } = this.#out;
    try {
      this.#encoder.message(writer, value, 'result');
    } catch (error) {
      if (this.code === undefined || !(error instanceof SerializationError)) throw error;
      this.#encoder.message(writer, new Packed(pack(value), false, []), 'result');
    }
  }

  #later(id: number, result: PromiseLike<unknown>): void {
    void this.#answerLater(id, result);
  }

  async #answerLater(id: number, result: PromiseLike<unknown>): Promise<void> {
    try {
      const value = await result;
      if (!this.link.closed) this.#answer(id, value);
    } catch (error) {
      if (!this.link.closed) this.#failed(id, error);
    }
    this.#waiting.delete(id);
    this.#schedule();
  }

  #failed(id: number, error: unknown): void {
    if (error instanceof ProtocolError) return this.link.destroy(error);
    this.#flushRange();
    const mark = this.#out.open();
    const { writer } = this.#out;
    writer.u8(ToClient.failed);
    writer.varint(id);
    this.#encoder.message(writer, scrub(error, this.#host.exposeStacks), 'result');
    this.#out.close(mark);
  }

  #flushRange(): void {
    const { first, count } = this.#range;
    if (count === 0) return;
    this.#range = { first: 0, count: 0 };
    const mark = this.#out.open();
    const { writer } = this.#out;
    writer.u8(ToClient.doneRange);
    writer.varint(first);
    writer.varint(count);
    this.#out.close(mark);
  }

  /** All that came at once is dealt with: the answers go out together, and the next question may be on its way. */
  #idle(): void {
    this.#flush();
    if (this.#spinning) return;
    this.#spinning = true;
    while (this.link.spin(managerSpinUs.question));
    this.#spinning = false;
  }

  /** What was waited for is answered with what else comes in this tick. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#flushRange();
    const bytes = this.#out.take();
    if (bytes === undefined) return;
    this.link.send(bytes);
    if (this.link.unsentBytes > maxUnsentBytes) this.#holdBack();
  }

  /** It asks faster than it reads: it is not listened to until it has caught up. */
  #holdBack(): void {
    if (this.#slowTimer !== undefined) return;
    this.link.pause();
    this.#slowTimer = setTimeout(
      () => this.link.destroy(new ProtocolError('A client does not read its answers.')),
      slowReaderMs,
    );
    this.#slowTimer.unref();
    this.link.socket.once('drain', () => {
      clearTimeout(this.#slowTimer);
      this.#slowTimer = undefined;
      this.link.resume();
    });
  }

  /** Asks for a sign of life. */
  ping(): void {
    const mark = this.#out.open();
    this.#out.writer.u8(ToClient.ping);
    this.#out.close(mark);
    this.#flush();
  }

  #ended(): void {
    clearTimeout(this.#slowTimer);
    const gone = new ObjectGoneError('The client is gone.');
    for (const call of Array.from(this.#waiting.values())) call.giveUp(gone);
    this.#waiting.clear();
    for (const end of Array.from(this.#onGone)) end();
    for (const lease of Array.from(this.leases)) lease.abandonedBy(this);
    this.leases.clear();
    const { objects } = this.#host;
    for (const { managed, count } of this.#entries.values()) if (managed !== undefined) objects.release(managed, count);
    this.#entries.clear();
    this.#given.clear();
    this.#host.ended(this);
  }

  #writeSpecial(given: object, { writer }: DataEncoder): boolean {
    const value = this.#host.standsFor(given) ?? given;
    if (value instanceof Managed) {
      writer.u8(DataTag.special);
      this.#give(value);
      return true;
    }
    if (value instanceof Packed) {
      writer.u8(DataTag.special);
      writer.u8(Special.packed);
      writer.u8(value.isConstant ? 1 : 0);
      writer.varint(value.references.length);
      for (const managed of value.references) this.#give(managed);
      writer.varint(value.bytes.length);
      writer.raw(value.bytes);
      return true;
    }
    if (value instanceof Foreign) {
      writer.u8(DataTag.special);
      writer.u8(Special.foreign);
      this.#encoder.value(value.state);
      return true;
    }
    return false;
  }

  #give(managed: Managed): void {
    let number = this.#given.get(managed);
    if (number === undefined) {
      this.#given.set(managed, (number = this.#lastGiven += 2));
      this.#entries.set(number, { managed, count: 0 });
    }
    this.#entries.get(number)!.count++;
    this.#host.objects.hold(managed);
    const { writer } = this.#out;
    writer.u8(Special.given);
    writer.varint(number);
    writer.string(managed.type.proxy);
    writer.raw(Buffer.from(managed.id, 'hex'));
  }

  #readSpecial(decoder: DataDecoder): unknown {
    const { reader } = decoder;
    switch (reader.u8()) {
      case Special.mine:
        return this.#mine(reader.varint());
      case Special.foreign:
        return new Foreign(decoder.value());
      case Special.packed: {
        if (this.code === undefined) throw new ProtocolError('A client sent code to a server that takes none.');
        const isConstant = reader.u8() === 1;
        const references = Array.from({ length: reader.count(1) }, () => this.#mine(reader.varint()));
        const bytes = Buffer.from(reader.raw(reader.count(1)));
        return new Packed(
          bytes,
          isConstant,
          references.filter((each) => each !== undefined),
        );
      }
      default:
        throw new ProtocolError('A message holds a shared object of unknown kind.');
    }
  }

  #mine(number: number): Managed | undefined {
    const { managed, error } = this.#entry(number);
    if (managed === undefined)
      this.#failure = error ?? new ObjectGoneError('The shared object that was sent is still being made.');
    else managed.stored = true;
    return managed;
  }
}

function targetOf(value: unknown, type: string): object {
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') return value;
  throw new ObjectGoneError(`Cannot share what makes a ${type}: it gave ${typeof value}, which is no object.`);
}

/** An error as a client is told of it. */
function scrub(thrown: unknown, exposeStack: boolean): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const { message, stack } = thrown;
  const long = message.length > maxRemoteMessageLength;
  if (exposeStack && !long) return thrown;
  const { stack: _, message: __, ...fields } = Object.getOwnPropertyDescriptors(thrown) as PropertyDescriptorMap;
  const copy = new Error(long ? `${message.slice(0, maxRemoteMessageLength)}...` : message);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(thrown) as object);
  Object.defineProperty(copy, 'stack', { value: exposeStack ? stack : '', configurable: true, writable: true });
  return Object.defineProperties(copy, fields);
}
