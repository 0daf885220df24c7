import type { Socket } from 'node:net';
import {
  AuthenticationError,
  ConnectionLostError,
  FrameTooLargeError,
  ManycoreError,
  ProtocolError,
  TimeoutError,
} from '../errors.ts';
import {
  bootTimeoutMs,
  handshakeMs,
  heartbeatMs,
  managerSpinUs,
  maxManagerFrameBytes,
  silenceLookMs,
  silenceMs,
} from '../limits.ts';
import { Reader } from '../wire/reader.ts';
import { showAddress, type Target } from './address.ts';
import type { AuthKey } from './auth-key.ts';
import { ConnectionValues, type ProxyMaker } from './connection-values.ts';
import { FrameWriter } from './frame-writer.ts';
import { type ClientHandshake, ServerFlag } from './handshake.ts';
import { Link } from './link.ts';
import { PendingCalls } from './pending-calls.ts';
import { ToClient, ToServer } from './protocol.ts';
import type { Reference, ServerAccess } from './reference.ts';
import { shakeHands } from './shake-hands.ts';
import { dial } from './transport.ts';

export interface ConnectionOptions {
  readonly target: Target;
  readonly key: AuthKey;
  /** Known before the server says so, of a server that this program has started. */
  readonly allowsCode: boolean;
  /** The server may be starting still, and not answer yet. */
  readonly isPatient: boolean;
  readonly proxies: ProxyMaker;
}

/**
 * This thread's connection to a server: all calls of all proxies go over it, those of one tick together. It does not keep the
 * program alive but while a call waits. When it is lost all calls reject at once, and so do later ones: there is no second try.
 */
export class Connection implements ServerAccess {
  readonly target: Target;
  readonly key: AuthKey;
  /** Resolves when the server has shown that it has the key too. */
  readonly ready: Promise<void>;
  /** With the last manager it is closed, if there are no proxies that came by themselves. */
  users = 0;
  readonly #socket: Socket;
  #link: Link | undefined;
  readonly #out = new FrameWriter(maxManagerFrameBytes, false);
  readonly #values: ConnectionValues;
  readonly #pending = new PendingCalls();
  readonly #onClose = new Set<(error: Error) => void>();
  #lastCall = 0;
  #lastReference = -1;
  #scheduled = false;
  #held = true;
  #releasing = false;
  #error: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #settleReady!: { resolve: () => void; reject: (error: Error) => void };

  constructor({ target, key, allowsCode, isPatient, proxies }: ConnectionOptions) {
    this.target = target;
    this.key = key;
    this.#values = new ConnectionValues(this, proxies, allowsCode);
    this.ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    // Who waits for it is told; who does not, learns it from the first call.
    this.ready.catch(() => undefined);
    const patienceMs = isPatient ? bootTimeoutMs : handshakeMs;
    this.#timer = setTimeout(
      () => this.close(new TimeoutError(`${this.#name} did not answer within ${patienceMs} ms.`)),
      patienceMs,
    );
    this.#socket = dial(target, key, {
      open: (socket, binding) => this.#shakeHands(socket, binding),
      failed: (error) => this.close(error),
    });
  }

  get #name(): string {
    return `The manager's server at ${showAddress(this.target.address)}`;
  }

  /** Why it is of no use any more. */
  get error(): Error | undefined {
    return this.#error;
  }

  get allowsCode(): boolean {
    return this.#values.allowsCode;
  }

  #shakeHands(socket: Socket, binding: Uint8Array): void {
    if (this.#error !== undefined) return void socket.destroy();
    shakeHands(socket, this.key, binding, {
      done: (handshake) => this.#open(socket, handshake),
      lost: (error) => this.close(error ?? this.#lost()),
    });
  }

  #open(socket: Socket, { welcome, rest }: ClientHandshake): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#values.allowsCode = (welcome.flags & ServerFlag.allowsCode) !== 0;
    const refused = this.#out.limit(welcome.maxFrameBytes);
    this.#link = new Link(socket, welcome.maxFrameBytes, {
      frame: (body) => this.#frame(body),
      idle: () => {},
      closed: (error) => this.close(error ?? this.#lost()),
    });
    this.#settleReady.resolve();
    for (const record of refused) this.#refuse(record, welcome.maxFrameBytes);
    if (this.#error !== undefined) return;
    if (this.#pending.size === 0) this.#release();
    else this.#watch();
    if (rest.length > 0) this.#link.take(rest);
    this.#flush();
  }

  /** What was asked before the server told how large it may be. */
  #refuse(record: Buffer, limit: number): void {
    if (this.#error !== undefined) return;
    const error = new FrameTooLargeError(
      `A message of ${record.length} bytes is too large for ${this.#name}: the limit is ${limit}.`,
    );
    const reader = new Reader(record);
    const op = reader.u8();
    if (op === ToServer.call || op === ToServer.manage) this.#pending.take(reader.varint()).reject(error);
    // The calls of an object that was not made would be told nonsense.
    else this.close(error);
  }

  #lost(): ConnectionLostError {
    return new ConnectionLostError(`${this.#name} has closed the connection, or has ended.`, this.#link !== undefined);
  }

  /** Called when it is closed or lost. */
  onClose(listener: (error: Error) => void): void {
    this.#onClose.add(listener);
  }

  close(reason?: Error): void {
    if (this.#error !== undefined) return;
    const wasOpen = this.#link !== undefined;
    this.#error = explain(
      reason ?? new ConnectionLostError('The connection to the manager was closed.', wasOpen),
      this.#name,
      wasOpen,
    );
    clearTimeout(this.#timer);
    this.#flushLast();
    this.#socket.destroy();
    this.#link?.destroy();
    const pending = this.#pending.takeAll();
    this.#values.clear();
    this.#settleReady.reject(this.#error);
    for (const { reject } of pending) reject(this.#again());
    for (const listener of this.#onClose) listener(this.#error);
  }

  /** What was dropped lately is told if it can be. */
  #flushLast(): void {
    const bytes = this.#link?.closed === false ? this.#out.take() : undefined;
    if (bytes !== undefined) this.#link?.send(bytes);
  }

  /** Each call gets an error of its own, whose stack is its own. */
  #again(): Error {
    const error = this.#error!;
    if (error instanceof ConnectionLostError)
      return new ConnectionLostError(error.message, error.maybeExecuted, { cause: error.cause ?? error });
    if (error instanceof AuthenticationError) return new AuthenticationError(error.message, { cause: error });
    return error;
  }

  /** Makes an object. What is wrong with it is told by the first call. */
  create(kind: string, type: string, id: string, args: readonly unknown[]): Reference {
    const reference = this.#newReference(kind, id);
    this.#record(ToServer.create, () => {
      const { writer } = this.#out;
      writer.varint(reference.number);
      writer.string(type);
      writer.raw(Buffer.from(id, 'hex'));
      return this.#values.writeAll(writer, args);
    });
    return reference;
  }

  /** Refers to an object that somebody has passed on. */
  attach(kind: string, id: string, mayCome: boolean): Reference {
    const reference = this.#newReference(kind, id);
    reference.isConfirmed = !mayCome;
    this.#record(ToServer.attach, () => {
      const { writer } = this.#out;
      writer.varint(reference.number);
      writer.raw(Buffer.from(id, 'hex'));
      writer.u8(mayCome ? 1 : 0);
    });
    return reference;
  }

  #newReference(kind: string, id: string): Reference {
    this.#lastReference += 2;
    return { connection: this, number: this.#lastReference, kind, id, count: 1, isConfirmed: false, travelled: false };
  }

  /** Gives a reference back. */
  drop(reference: Reference): void {
    if (this.#error !== undefined) return;
    this.#values.forget(reference);
    this.#record(ToServer.drop, () => {
      this.#out.writer.varint(reference.number);
      this.#out.writer.varint(reference.count);
    });
  }

  /** Tells that it was passed on: it outlives its references for a while. At once, as this process may end. */
  travels(reference: Reference): void {
    if (this.#error !== undefined) return;
    this.#record(ToServer.travel, () => this.#out.writer.varint(reference.number));
    this.#flush();
  }

  /** Calls a method of a shared object. Rejects with a SerializationError when an argument does not travel. */
  call(reference: Reference, method: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    return this.#request(ToServer.call, reference.number, method, args, signal);
  }

  /** Asks the server itself. */
  manage(what: string, args: readonly unknown[] = []): Promise<unknown> {
    return this.#request(ToServer.manage, -1, what, args, undefined);
  }

  /** The way of every call: nothing is made here that is not needed. */
  #request(
    op: number,
    reference: number,
    name: string,
    args: readonly unknown[],
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    if (this.#error !== undefined) return Promise.reject(this.#again());
    const id = ++this.#lastCall;
    const mark = this.#out.open();
    const { writer } = this.#out;
    try {
      writer.u8(op);
      writer.varint(id);
      if (reference >= 0) writer.varint(reference);
      writer.string(name);
      this.#out.close(mark, this.#values.writeAll(writer, args));
    } catch (error) {
      this.#out.rollback(mark);
      return Promise.reject(error);
    }
    this.#schedule();
    if (!this.#held) this.#hold();
    return this.#pending.add(id, signal, this.#cancel);
  }

  readonly #cancel = (id: number): void => {
    if (this.#error === undefined) this.#record(ToServer.cancel, () => this.#out.writer.varint(id));
  };

  /** `write` gives the number of values, if there are any. */
  #record(op: number, write: () => number | void): void {
    const mark = this.#out.open();
    try {
      this.#out.writer.u8(op);
      const values = write();
      this.#out.close(mark, values ?? 0);
    } catch (error) {
      this.#out.rollback(mark);
      throw error;
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#send);
  }

  readonly #send = (): void => {
    this.#scheduled = false;
    this.#flush();
    if (this.#pending.size > 0) this.#link?.spin(managerSpinUs.answer);
  };

  #flush(): void {
    if (this.#link === undefined) return;
    const bytes = this.#out.take();
    if (bytes !== undefined) this.#link.send(bytes);
  }

  #frame(body: Buffer): void {
    const reader = new Reader(body);
    this.#values.begin(reader);
    while (reader.at < reader.end) this.#answer(reader.u8(), reader);
    if (this.#pending.size === 0 && this.#held) this.#releaseSoon();
  }

  #answer(op: number, reader: Reader): void {
    switch (op) {
      case ToClient.done:
        return this.#done(reader.varint());
      case ToClient.doneRange: {
        const first = reader.varint();
        const count = reader.varint();
        if (count > this.#pending.size) throw new ProtocolError('A server answers more than it was asked.');
        for (let id = first; id < first + count; id++) this.#pending.take(id).resolve(undefined);
        return undefined;
      }
      case ToClient.failed: {
        const pending = this.#pending.take(reader.varint());
        const error = this.#values.read();
        if (error instanceof Promise) error.then((value) => pending.reject(errorOf(value)), pending.reject);
        else pending.reject(errorOf(error));
        return undefined;
      }
      case ToClient.ping: {
        this.#record(ToServer.pong, () => {});
        return undefined;
      }
      case ToClient.pong:
        return undefined;
      default:
        throw new ProtocolError(`A server sent a record of unknown kind ${op}.`);
    }
  }

  #done(id: number): void {
    const pending = this.#pending.take(id);
    try {
      pending.resolve(this.#values.read());
    } catch (error) {
      pending.reject(error as Error);
      throw error;
    }
  }

  /** While somebody waits the program goes on, and the server has to show that it is alive. */
  #hold(): void {
    this.#held = true;
    if (this.#link === undefined) return;
    this.#link.ref();
    this.#watch();
  }

  #releaseSoon(): void {
    if (this.#releasing) return;
    this.#releasing = true;
    setImmediate(() => {
      this.#releasing = false;
      if (this.#pending.size === 0) this.#release();
    });
  }

  #release(): void {
    this.#held = false;
    this.#link?.unref();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** On one machine the kernel tells of the other side's end; on the way to another one anything may happen. */
  #watch(): void {
    if (typeof this.target.address === 'string' || this.#timer !== undefined) return;
    const link = this.#link!;
    link.listenAnew();
    this.#timer = setInterval(() => {
      link.whenSilent(silenceMs, (silentMs) => {
        const why = `${this.#name} has not been heard of for ${Math.round(silentMs)} ms.`;
        if (this.#timer !== undefined) this.close(new ConnectionLostError(why, true));
      });
      if (link.silentMs > heartbeatMs) this.#record(ToServer.ping, () => {});
    }, silenceLookMs);
  }
}

function errorOf(told: unknown): Error {
  return told instanceof Error ? told : new ManycoreError(String(told));
}

/** System errors become ours, with what they were as the cause. */
function explain(error: Error, name: string, maybeExecuted: boolean): Error {
  if (error instanceof ManycoreError) return error;
  return new ConnectionLostError(`${name} cannot be reached: ${error.message}`, maybeExecuted, { cause: error });
}
