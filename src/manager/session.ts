import type { Socket } from 'node:net';
import { ArgumentRangeError, MethodNotExposedError, ObjectGoneError, ProtocolError } from '../errors.ts';
import { managerSpinUs, maxWaitingCalls } from '../limits.ts';
import { unfinished } from '../wire/data-decoder.ts';
import { asError } from '../wire/error-codec.ts';
import { isThenable } from '../thenable.ts';
import { Reader } from '../wire/reader.ts';
import { type AnswerOptions, Answers } from './answers.ts';
import { CallArguments, empty } from './call-arguments.ts';
import { ClientReferences, type Entry, type ReferenceHost } from './client-references.ts';
import { Link } from './link.ts';
import type { Managed } from './managed.ts';
import { aborted, Call, type Holder, type Leased } from './objects/call.ts';
import { IteratorObject, isIterable } from './objects/iterator.ts';
import type { Code } from './objects/slot.ts';
import { idBytes, ToClient, ToServer } from './protocol.ts';
import type { ObjectType } from './types.ts';

/** The server, as the sessions of its clients see it. */
export interface Host extends ReferenceHost, AnswerOptions {
  readonly code: Code | undefined;
  typeOf(name: string): ObjectType;
  /** What can be asked of the server itself. */
  manage(what: string, args: readonly unknown[]): unknown;
  ended(session: Session): void;
}

/**
 * One client: its references, its calls, what it holds. Its frames are taken in order; what a call gives at once is answered
 * with the others of its frame, what waits is answered when it comes. When the client is gone so is all that it held.
 */
export class Session implements Holder {
  readonly leases: Set<Leased> = new Set();
  readonly link: Link;
  readonly #host: Host;
  readonly #arguments: CallArguments;
  readonly #references: ClientReferences;
  readonly #answers: Answers;
  readonly #waiting = new Map<number, Call>();
  readonly #onGone = new Set<() => void>();
  #spinning = false;
  /** Of a frame. */
  #left: Reader | undefined;
  #isInLine = false;

  constructor(host: Host, socket: Socket) {
    this.#host = host;
    this.#references = new ClientReferences(host);
    this.#arguments = new CallArguments(
      (decoder) => this.#references.read(decoder),
      () => host.turns.isOver(),
    );
    this.link = new Link(socket, host.maxFrameBytes, {
      frame: (body) => this.#frame(body),
      resumed: () => this.#resumed(),
      idle: () => this.#idle(),
      drained: () => {
        this.#answers.drained();
        this.#goOn();
      },
      closed: () => this.#ended(),
    });
    this.#answers = new Answers(this.link, host, this.#references);
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
    return this.#references.size;
  }

  #frame(body: Buffer): void {
    const reader = new Reader(body);
    this.#arguments.begin(reader);
    this.#records(reader);
  }

  /**
   * Takes the records of a frame, as long as the client reads what it is told, and for some milliseconds: then it is somebody
   * else's turn, also in the middle of a record. What is left is taken when the link goes on.
   */
  #records(reader: Reader): void {
    try {
      while (reader.at < reader.end && !this.link.closed) {
        const start = reader.at;
        this.#record(reader.u8(), reader);
        this.#answers.relieve();
        const { isUnfinished } = this.#arguments;
        if (isUnfinished) reader.at = start;
        if (isUnfinished || this.#host.turns.isOverAfterRecord()) this.#yield();
        if (!this.link.paused || reader.at === reader.end) continue;
        this.#left = new Reader(this.link.keep(reader.bytes.subarray(reader.at, reader.end)));
        return;
      }
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      throw new ProtocolError(`A frame could not be read: ${String(error)}`, { cause: error });
    }
  }

  #resumed(): void {
    const left = this.#left;
    if (left === undefined) return;
    this.#left = undefined;
    this.#arguments.goOn(left);
    this.#records(left);
  }

  /** Others have their turn. */
  #yield(): void {
    this.#isInLine = true;
    this.link.pause();
    this.#host.turns.wait(this.#onTurn);
  }

  readonly #onTurn = (): void => {
    this.#isInLine = false;
    this.#goOn();
  };

  /** It may be its turn, or it may have read what it was told: it takes both. */
  #goOn(): void {
    if (!this.#isInLine && !this.#answers.isHeldBack) this.link.resume();
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
        return this.#references.drop(reader.varint(), reader.varint());
      case ToServer.cancel:
        return this.#waiting.get(reader.varint())?.giveUp(aborted());
      case ToServer.travel: {
        const managed = this.#references.get(reader.varint()).managed;
        if (managed !== undefined) this.#host.objects.travel(managed);
        return undefined;
      }
      case ToServer.ping:
        return this.#answers.sign(ToClient.pong);
      case ToServer.pong:
        return undefined;
      case ToServer.manage:
        return this.#manage(reader);
      default:
        throw new ProtocolError(`A client sent a record of unknown kind ${op}.`);
    }
  }

  #create(reader: Reader): void {
    const number = reader.varint();
    const name = reader.string();
    const id = reader.raw(idBytes).toString('hex');
    const args = this.#arguments.read(reader);
    if (args === unfinished) return;
    const entry = this.#references.enter(number, id);
    const { objects } = this.#host;
    this.#settle(entry, () => {
      if (objects.has(id)) throw new ProtocolError('A client chose a name that is taken.');
      const type = this.#host.typeOf(name);
      return this.#withArguments(type, args, (revealed) => {
        const call = new Call(this);
        const have = (target: object): void => this.#references.have(number, entry, objects.add(target, type, id));
        return after(type.create(call, ...revealed), (made) => after(type.adopt(made, call), have));
      });
    });
  }

  #attach(reader: Reader): void {
    const number = reader.varint();
    const id = reader.raw(idBytes).toString('hex');
    const mayCome = reader.u8() === 1;
    const entry = this.#references.enter(number, id);
    this.#settle(entry, () => {
      const found = this.#host.objects.find(id, mayCome ? this.#onGone : undefined);
      const have = (managed: Managed): void => this.#references.have(number, entry, managed);
      return found instanceof Promise ? found.then(have) : have(found);
    });
  }

  /** Makes an entry what it is to be. What goes wrong is told to those who call it. */
  #settle(entry: Entry, make: () => unknown): void {
    const failed = (error: unknown): void => {
      entry.error = asError(error);
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

  #call(reader: Reader): void {
    const id = reader.varint();
    const number = reader.varint();
    const method = reader.string();
    const args = this.#arguments.read(reader);
    if (args === unfinished) return;
    const entry = this.#references.get(number);
    const failure = this.#references.takeFailure();
    if (failure !== undefined) return this.#answers.failed(id, failure);
    if (entry.wait !== undefined) return this.#later(id, this.#runWhenMade(entry.wait, id, entry, method, args));
    try {
      this.#answer(id, this.#run(id, entry, method, args));
    } catch (error) {
      this.#answers.failed(id, error);
    }
  }

  /** A call of an object that is still being made: it waits as others do, and can be given up. */
  async #runWhenMade(
    made: Promise<void>,
    id: number,
    entry: Entry,
    name: string,
    args: unknown[] | typeof empty,
  ): Promise<unknown> {
    const call = new Call(this);
    this.#wait(id, call);
    try {
      await new Promise<void>((resolve, reject) => {
        call.onGiveUp = reject;
        made.then(resolve, reject);
      });
    } finally {
      this.#waiting.delete(id);
    }
    return this.#run(id, entry, name, args);
  }

  /** @throws ArgumentRangeError when as many wait already as may. */
  #wait(id: number, call: Call): void {
    if (this.#waiting.has(id)) throw new ProtocolError(`A client uses call number ${id} twice.`);
    if (this.#waiting.size >= maxWaitingCalls)
      throw new ArgumentRangeError(`Cannot wait: ${maxWaitingCalls} calls of this client are waiting already.`);
    this.#waiting.set(id, call);
  }

  #run(id: number, { managed, error }: Entry, name: string, args: unknown[] | typeof empty): unknown {
    if (this.link.closed) throw new ObjectGoneError('The client is gone.');
    if (this.#waiting.has(id)) throw new ProtocolError(`A client uses call number ${id} twice.`);
    if (managed === undefined) throw error ?? new ObjectGoneError('The shared object could not be made.');
    const { type, target } = managed;
    const method = type.methodsOf(target).get(name);
    if (method === undefined) {
      throw new MethodNotExposedError(
        `Cannot call ${JSON.stringify(name.slice(0, 100))} of a ${type.name}: it has no such method, or does not expose it.`,
      );
    }
    const call = new Call(this);
    const result = type.isUsers
      ? this.#withArguments(type, args, (revealed) => method.call(target, call, ...revealed))
      : args === empty
        ? method.call(target, call)
        : method.call(target, call, ...args);
    const made = type.results.size === 0 ? result : this.#resultOf(type, name, result, call);
    if (!isThenable(made)) return made;
    try {
      this.#wait(id, call);
    } catch (refusal) {
      // It leaves its line, or it would get what nobody is told of.
      call.giveUp(refusal as Error);
      made.then(undefined, () => {});
      throw refusal;
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

  /** What a method gave, as it is told: a new shared object where its type says so. */
  #resultOf(type: ObjectType, name: string, result: unknown, call: Call): unknown {
    const as = type.results.get(name);
    if (as === undefined) return result;
    const made = this.#host.typeOf(as);
    return after(result, (value) => {
      const target = as === 'Iterator' && isIterable(value) ? new IteratorObject(value) : made.adopt(value, call);
      return after(target, (each) => this.#host.objects.add(each, made));
    });
  }

  #manage(reader: Reader): void {
    const id = reader.varint();
    const what = reader.string();
    const args = this.#arguments.read(reader);
    if (args === unfinished) return;
    try {
      this.#answer(id, this.#host.manage(what, args === empty ? [] : args));
    } catch (error) {
      this.#answers.failed(id, error);
    }
  }

  #answer(id: number, result: unknown): void {
    if (isThenable(result)) return this.#later(id, result);
    this.#answers.done(id, result);
  }

  #later(id: number, result: PromiseLike<unknown>): void {
    void this.#answerLater(id, result);
  }

  async #answerLater(id: number, result: PromiseLike<unknown>): Promise<void> {
    try {
      const value = await result;
      this.#waiting.delete(id);
      if (!this.link.closed) this.#answer(id, value);
    } catch (error) {
      this.#waiting.delete(id);
      if (!this.link.closed) this.#answers.failed(id, error);
    }
    this.#answers.relieve();
    this.#answers.flushSoon();
  }

  /** All that came at once is dealt with: the answers go out together, and the next question may be on its way. */
  #idle(): void {
    this.#answers.flush();
    if (this.#spinning) return;
    this.#spinning = true;
    while (this.link.spin(managerSpinUs.question));
    this.#spinning = false;
  }

  /** Asks for a sign of life. */
  readonly ping = (): void => {
    this.#answers.sign(ToClient.ping);
    this.#answers.flush();
  };

  #ended(): void {
    this.#answers.end();
    this.#host.turns.leave(this.#onTurn);
    const gone = new ObjectGoneError('The client is gone.');
    for (const call of Array.from(this.#waiting.values())) call.giveUp(gone);
    this.#waiting.clear();
    for (const end of Array.from(this.#onGone)) end();
    for (const lease of Array.from(this.leases)) lease.abandonedBy(this);
    this.leases.clear();
    this.#references.end();
    this.#host.ended(this);
  }
}

/** At once where there is nothing to wait for. */
function after<T, R>(value: T | PromiseLike<T>, then: (value: T) => R | PromiseLike<R>): R | PromiseLike<R> {
  return isThenable(value) ? value.then(then) : then(value);
}
