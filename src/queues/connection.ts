import {
  ArgumentTypeError,
  BrokenPipeError,
  ConnectionStateError,
  EndOfFileError,
  FrameTooLargeError,
  TimeoutError,
} from '../errors.ts';
import type { BlockReference } from '../memory/block.ts';
import { isKept, post, whenBegun } from '../memory/parcels.ts';
import { monotonicMs } from '../monotonic.ts';
import { travelsAs } from '../wire/shared.ts';
import { fill, lengthLimit, part, roomIn } from './bytes.ts';
import { End, endWords, noTickets, type Ticket } from './ends.ts';
import { type IsDead, unknown } from './gate.ts';
import { inTurn } from '../turns.ts';
import { blocked, late, limitOf } from '../waiting.ts';
import { pollingOf, pollTimeoutOf, type QueueOptions, timeoutOf, type SyncQueueOptions, waitingOf } from './options.ts';
import { Items } from './items.ts';
import { ended, Kind, type Rules, SharedRing } from './shared-ring.ts';
import { showAs } from '../inspection.ts';

/** The two ends of one direction. */
interface Direction {
  readonly ring: SharedRing;
  readonly writers: End;
  readonly readers: End;
}

const directions = new WeakMap<SharedRing, Direction>();

function directionOf(ring: SharedRing): Direction {
  let direction = directions.get(ring);
  if (direction === undefined) {
    const { user } = ring;
    const { home } = ring.block;
    direction = { ring, writers: new End(user, 0, home), readers: new End(user, endWords, home) };
    directions.set(ring, direction);
  }
  return direction;
}

/** What a connection has, apart from itself: so that it can be given back when the connection was collected. */
class Held {
  readonly input: Direction | undefined;
  readonly output: Direction | undefined;
  /** Its ends: where it reads, where it writes. */
  readonly #ends: readonly End[];
  #isHeld = false;

  constructor(input: SharedRing | undefined, output: SharedRing | undefined) {
    this.input = input && directionOf(input);
    this.output = output && directionOf(output);
    this.#ends = [this.input?.readers, this.output?.writers].filter((end) => end !== undefined);
  }

  hold(): this {
    this.#isHeld = true;
    for (const end of this.#ends) end.hold(1);
    return this;
  }

  /** One that is about to be sent. */
  send(): (Ticket | undefined)[] {
    return this.#ends.map((end) => {
      const ticket = end.issue();
      if (ticket === undefined) this.#keep(end);
      else post({ giveUp: () => void (end.redeem(ticket) && this.#notify()) });
      return ticket;
    });
  }

  /** No ticket is left: it is held here until its message is out of the way, if there is somebody to see to that. */
  #keep(end: End): void {
    if (!isKept()) throw noTickets();
    end.hold(1);
    let isOpen = true;
    const giveUp = (): void => {
      if (!isOpen) return;
      isOpen = false;
      end.hold(-1);
      this.#notify();
    };
    post({ giveUp });
  }

  arrive(tickets: readonly (Ticket | undefined)[]): void {
    this.hold();
    // It is held here by now.
    for (const [i, end] of this.#ends.entries()) {
      const ticket = tickets[i];
      if (ticket !== undefined) end.redeem(ticket);
    }
  }

  release(): void {
    // Its task has never begun here.
    if (!this.#isHeld) return;
    for (const end of this.#ends) end.hold(-1);
    this.#notify();
  }

  /** A connection over it was closed. */
  review(): void {
    this.input?.ring.review();
    this.output?.ring.review();
  }

  #notify(): void {
    this.input?.ring.notify();
    this.output?.ring.notify();
  }
}

const collected = new FinalizationRegistry<Held>((held) => held.release());

interface ConnectionState {
  readonly input: BlockReference | undefined;
  readonly output: BlockReference | undefined;
  readonly tickets: readonly (Ticket | undefined)[];
}

/** To look whether somebody is alive takes as long as to send ten messages. */
const lookEveryMs = 10;

/**
 * One end of a `Pipe`. It can be sent in any argument; closing the copy that stays behind is up to the sender. Messages of
 * several senders never mix. Python: `multiprocessing.connection.Connection`.
 *
 * @typeParam Out - What is sent.
 * @typeParam In - What is received.
 *
 * @example
 * ```ts
 * import { type Connection, Pipe, Process } from 'manycore';
 * const [here, there] = Pipe<string>();
 * const greet = async (end: Connection<string>): Promise<void> => end.send(`hello ${await end.recv()}`);
 * const p = new Process({ target: greet, args: [there] }).start();
 * there.close(); // the child has its own
 * await here.send('bob');
 * console.log(await here.recv()); // hello bob
 * await p.join();
 * ```
 */
export class Connection<Out = unknown, In = Out> {
  readonly #held: Held;
  #closed = false;
  /** After a message that was too long nothing more is received. */
  #broken = false;
  /** When it was looked whether those who receive are alive. */
  #lookedMs = 0;
  readonly #receiving: Rules;
  readonly #sending: Rules;

  /** Made by `Pipe()`. */
  constructor(held: Held) {
    if (!((held as unknown) instanceof Held))
      throw new ArgumentTypeError('Cannot make a Connection: Pipe() gives two of them.');
    this.#held = held;
    this.#receiving = { ended: (isDead) => this.#isEnd(isDead), takes: () => void this.#input() };
    this.#sending = { puts: (isDead) => this.#checkPut(isDead) };
    collected.register(this, held, this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get readable(): boolean {
    return this.#held.input !== undefined && !this.#broken;
  }

  get writable(): boolean {
    return this.#held.output !== undefined;
  }

  // Sending.

  /**
   * Sends any value that a task's argument may hold. It waits, without blocking, while the pipe is full; the value is copied at
   * the call. Python: `Connection.send`.
   *
   * @throws BrokenPipeError when nobody is left who could receive it; ConnectionStateError when it is closed or read-only.
   * @throws SerializationError when the value cannot travel.
   */
  async send(value: Out, options?: QueueOptions): Promise<void> {
    const done = this.#output().put(Kind.message, value, this.#sending, waitingOf('send', options));
    sent(typeof done === 'boolean' ? done : await done, options);
  }

  /** `send` that blocks this thread while the pipe is full. */
  sendSync(value: Out, options?: SyncQueueOptions): void {
    sent(this.#output().putSync(Kind.message, value, this.#sending, timeoutOf('sendSync', options)), options);
  }

  /**
   * Sends bytes as they are; none are a message too. Python: `Connection.send_bytes`.
   *
   * @param bytes - An ArrayBuffer, or a view on one.
   * @param offset - The first byte that is sent.
   * @param size - How many; default: all from there.
   */
  async sendBytes(bytes: ArrayBuffer | ArrayBufferView, offset?: number, size?: number): Promise<void> {
    await this.#output().put(Kind.bytes, part(bytes, offset, size), this.#sending, {});
  }

  sendBytesSync(bytes: ArrayBuffer | ArrayBufferView, offset?: number, size?: number): void {
    this.#output().putSync(Kind.bytes, part(bytes, offset, size), this.#sending, undefined);
  }

  #output(): SharedRing {
    this.#checkOpen();
    const { output } = this.#held;
    if (output === undefined) throw new ConnectionStateError('Cannot send: the connection is read-only.');
    return output.ring;
  }

  #checkPut(isDead: IsDead): void {
    this.#checkOpen();
    const { readers, ring } = this.#held.output!;
    if (!readers.isHeld(isDead === unknown && this.#isDue() ? (party) => ring.block.home.isDead(party) : isDead))
      throw new BrokenPipeError('Cannot send: nobody is left who could receive it.');
  }

  /** Whether it is time to look who is alive, though there may be room. */
  #isDue(): boolean {
    const now = monotonicMs();
    if (now - this.#lookedMs <= lookEveryMs) return false;
    this.#lookedMs = now;
    return true;
  }

  // Receiving.

  /**
   * Receives the next message. It waits, without blocking, until there is one. Python: `Connection.recv`.
   *
   * @throws EndOfFileError when nothing is left and nobody is left who could send; ConnectionStateError when it is closed or
   * write-only.
   */
  async recv(options?: QueueOptions): Promise<In> {
    const value = this.#input().take(this.#receiving, waitingOf('recv', options));
    return received(value instanceof Promise ? await value : value, options) as In;
  }

  /** `recv` that blocks this thread. */
  recvSync(options?: SyncQueueOptions): In {
    return received(this.#input().takeSync(this.#receiving, timeoutOf('recvSync', options)), options) as In;
  }

  /**
   * Receives the next message, which was sent by `sendBytes`. Python: `Connection.recv_bytes`.
   *
   * @param maxLength - How many bytes at most.
   * @throws FrameTooLargeError when it is longer: nothing more can be received then.
   */
  async recvBytes(maxLength?: number, options?: QueueOptions): Promise<Uint8Array> {
    const value = this.#input().take(this.#receiving, waitingOf('recvBytes', options), this.#bytesUpTo(maxLength));
    return received(value instanceof Promise ? await value : value, options) as Uint8Array;
  }

  recvBytesSync(maxLength?: number, options?: SyncQueueOptions): Uint8Array {
    const timeout = timeoutOf('recvBytesSync', options);
    const value = this.#input().takeSync(this.#receiving, timeout, this.#bytesUpTo(maxLength));
    return received(value, options) as Uint8Array;
  }

  /**
   * Receives the next message into a buffer: how many bytes it has. Python: `Connection.recv_bytes_into`.
   *
   * @throws BufferTooShortError, which has the message, when there is not so much room.
   */
  async recvBytesInto(buffer: ArrayBuffer | ArrayBufferView, offset = 0, options?: QueueOptions): Promise<number> {
    const room = roomIn(buffer, offset);
    return fill(room, await this.recvBytes(undefined, options));
  }

  recvBytesIntoSync(buffer: ArrayBuffer | ArrayBufferView, offset = 0, options?: SyncQueueOptions): number {
    const room = roomIn(buffer, offset);
    return fill(room, this.recvBytesSync(undefined, options));
  }

  #bytesUpTo(maxLength: number | undefined): (kind: number, length: number) => void {
    const most = lengthLimit(maxLength);
    return (kind, length) => {
      if (kind === Kind.message || kind === Kind.storedMessage)
        throw new ConnectionStateError('Cannot receive bytes: the next message is a value. Use recv().');
      if (length <= most) return;
      this.#broken = true;
      if (!this.writable) this.close();
      throw new FrameTooLargeError(`Cannot receive a message of ${length} bytes: ${most} were allowed.`);
    };
  }

  /**
   * Whether a message, or the end, can be received: within `timeout` milliseconds, at once without it; `Infinity` waits for as
   * long as it takes. Takes nothing out. Python: `Connection.poll`.
   */
  async poll(options?: QueueOptions): Promise<boolean> {
    const { gets } = this.#input();
    const outcome = gets.wait((isDead) => this.#isReady(isDead), pollingOf('poll', options), this.#receiving.takes);
    return (await (outcome instanceof Promise ? outcome : inTurn(outcome))) !== late;
  }

  /** `poll` that blocks this thread. */
  pollSync(options?: SyncQueueOptions): boolean {
    const { gets } = this.#input();
    return gets.waitSync((isDead) => this.#isReady(isDead), pollTimeoutOf('pollSync', options)) !== late;
  }

  #isReady(isDead: IsDead): true | typeof blocked {
    return !this.#input().ring.isEmpty || this.#isEnd(isDead) ? true : blocked;
  }

  #isEnd(isDead: IsDead): boolean {
    this.#checkOpen();
    return !this.#held.input!.writers.isHeld(isDead);
  }

  #input(): SharedRing {
    this.#checkOpen();
    const { input } = this.#held;
    if (input === undefined) throw new ConnectionStateError('Cannot receive: the connection is write-only.');
    if (this.#broken)
      throw new ConnectionStateError('Cannot receive: a message was longer than allowed, and is in the way.');
    return input.ring;
  }

  #checkOpen(): void {
    if (this.#closed) throw new ConnectionStateError('The connection is closed.');
  }

  /** Messages as they come, until the other end is closed everywhere. */
  [Symbol.asyncIterator](): AsyncGenerator<In, void, undefined> {
    return new Items<In>(() => this.#input().take(this.#receiving, {}));
  }

  /** Gives this end up. The other end receives what was sent, and then the end, when all copies of this one are closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    collected.unregister(this);
    this.#held.release();
    this.#held.review();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  travel(): ConnectionState {
    this.#checkOpen();
    const { input, output } = this.#held;
    return {
      input: input?.ring.block.refer(),
      output: output?.ring.block.refer(),
      tickets: this.#held.send(),
    };
  }

  /** @internal */
  static arrive({ input, output, tickets }: ConnectionState): Connection {
    const held = new Held(input && SharedRing.attach(input), output && SharedRing.attach(output));
    whenBegun(() => held.arrive(tickets));
    return new Connection(held);
  }

  /** @internal */
  static over(input: SharedRing | undefined, output: SharedRing | undefined): Connection {
    return new Connection(new Held(input, output).hold());
  }
}

travelsAs<Connection, ConnectionState>(Connection, {
  stateOf: (connection) => connection.travel(),
  attach: (_, state) => Connection.arrive(state),
});

showAs(Connection, ({ closed, readable, writable }) => {
  if (closed) return ' closed';
  return readable && writable ? ' duplex' : readable ? ' read-only' : ' write-only';
});

function sent(done: boolean, options: SyncQueueOptions | undefined): void {
  if (done) return;
  const limit = limitOf(options);
  throw new TimeoutError(
    `Cannot send: the pipe is full${limit > 0 ? `, and there was no room within ${limit} ms` : ''}.`,
  );
}

function received(value: unknown, options: SyncQueueOptions | undefined): unknown {
  if (value === late) {
    const limit = limitOf(options);
    throw new TimeoutError(limit > 0 ? `Nothing was received within ${limit} ms.` : 'Nothing is there to be received.');
  }
  if (value === ended) throw new EndOfFileError('Nothing is left to be received, and nobody is left who could send.');
  return value;
}
