import { ArgumentTypeError, BrokenBarrierError, LockStateError } from '../../errors.ts';
import { type Call, checkDelay, checkWhole, Line } from './call.ts';
import { type Grant, Permits, Reentrant } from './permits.ts';

/** Calls that wait until another one says that something has changed; all hold one lock when they look. */
export class ConditionObject {
  readonly #lock: Permits | Reentrant;
  readonly #line = new Line<boolean>();

  constructor(lock: unknown = new Permits('Lock', 1, 1)) {
    if (!(lock instanceof Permits) && !(lock instanceof Reentrant))
      throw new ArgumentTypeError('Cannot make a Condition of this: expected a Lock or an RLock of the same manager.');
    this.#lock = lock;
  }

  acquire(call: Call, timeout?: unknown): Grant | undefined | Promise<Grant | undefined> {
    return this.#lock.acquire(call, timeout);
  }

  release(call: Call, token?: unknown, count?: unknown): void {
    this.#lock.release(call, token, count);
  }

  /** Whether a grant is still valid. */
  valid(call: Call, token: unknown): boolean {
    return this.#lock.valid(call, token);
  }

  locked(): boolean {
    return this.#lock.locked();
  }

  /** Whether it was told in time; the lock is had again in either case. */
  async wait(call: Call, timeout?: unknown): Promise<boolean> {
    const timeoutMs = checkDelay(timeout);
    const back = this.#lock.yield(call);
    try {
      return await this.#line.wait(call, timeoutMs, false);
    } finally {
      await back(call);
    }
  }

  notify(call: Call, count: unknown = 1): void {
    this.#check(call);
    for (let i = checkWhole('count', count, 0, 1_000_000); i > 0 && this.#line.next(true); i--);
  }

  notifyAll(call: Call): void {
    this.#check(call);
    this.#line.all(true);
  }

  #check(call: Call): void {
    if (!this.#lock.isHeldBy(call.holder)) throw new LockStateError('Cannot notify: the lock is not acquired.');
  }

  toString(): string {
    return `Condition(${String(this.#lock)}, waiting=${this.#line.length})`;
  }
}

/** Something that has happened or not. */
export class EventObject {
  #isSet = false;
  readonly #line = new Line<boolean>();

  isSet(): boolean {
    return this.#isSet;
  }

  set(): void {
    this.#isSet = true;
    this.#line.all(true);
  }

  clear(): void {
    this.#isSet = false;
  }

  wait(call: Call, timeout?: unknown): boolean | Promise<boolean> {
    return this.#isSet || this.#line.wait(call, checkDelay(timeout), false);
  }

  toString(): string {
    return `Event(${this.#isSet ? 'set' : 'unset'})`;
  }
}

/** A place where clients wait until enough of them are there. */
export class BarrierObject {
  readonly #parties: number;
  readonly #action: (() => unknown) | undefined;
  readonly #timeout: number | undefined;
  #line = new Line<number>();
  #broken = false;

  constructor(parties: unknown, action?: () => unknown, timeout?: unknown) {
    this.#parties = checkWhole('parties', parties, 1, 1_000_000);
    this.#action = action;
    this.#timeout = checkDelay(timeout);
  }

  /** The caller's place among those that met; one of them, and only one, is 0. */
  wait(call: Call, timeout?: unknown): number | Promise<number> {
    if (this.#broken) throw broken();
    const line = this.#line;
    if (line.length + 1 < this.#parties) {
      const timeoutMs = this.#within(timeout);
      return this.#meet(line, line.wait(call, timeoutMs, late), timeoutMs);
    }
    this.#line = new Line();
    if (this.#action !== undefined) return this.#act(line, this.#action);
    return this.#open(line);
  }

  #within(timeout: unknown): number | undefined {
    return checkDelay(timeout) ?? this.#timeout;
  }

  async #meet(line: Line<number>, turn: Promise<number>, timeoutMs: number | undefined): Promise<number> {
    const place = await turn;
    if (place === gone) throw broken();
    if (place !== late) return place;
    const arrived = line.length + 1;
    this.#break(line);
    throw broken(`${arrived} of ${this.#parties} had arrived after ${timeoutMs} ms`);
  }

  async #act(line: Line<number>, action: () => unknown): Promise<number> {
    try {
      await action();
    } catch (error) {
      this.#break(line);
      throw error;
    }
    return this.#open(line);
  }

  /** Places are counted now: who has given up in between has none. */
  #open(line: Line<number>): number {
    const { length } = line;
    line.each((place) => place);
    return length;
  }

  #break(line: Line<number>): void {
    if (line === this.#line) this.#broken = true;
    line.all(gone);
  }

  abort(): void {
    this.#broken = true;
    this.#line.all(gone);
  }

  /** Those that wait are sent away; it is as new. */
  reset(): void {
    const line = this.#line;
    this.#line = new Line();
    this.#broken = false;
    line.all(gone);
  }

  parties(): number {
    return this.#parties;
  }

  nWaiting(): number {
    return this.#line.length;
  }

  broken(): boolean {
    return this.#broken;
  }

  toString(): string {
    return `Barrier(${this.#line.length}/${this.#parties}${this.#broken ? ', broken' : ''})`;
  }
}

const late = -1;
const gone = -2;

function broken(why = 'somebody waited for too long, gave up, or called abort() or reset()'): BrokenBarrierError {
  return new BrokenBarrierError(`The barrier is broken: ${why}.`);
}
