import { QueueTaskError } from '../../errors.ts';
import { queueEmpty, queueFull } from '../../waiting.ts';
import { type Call, checkDelay, checkWhole, Line } from './call.ts';

interface Box {
  readonly value: unknown;
}

/** A queue. Whoever waits is served in order. */
export class QueueObject {
  readonly #maxSize: number;
  // Taken items stay at the front until they are half of it.
  #items: unknown[] = [];
  #head = 0;
  readonly #getters = new Line<Box | undefined>();
  readonly #putters = new Line<boolean>();
  /** Places that are kept for those who were told to put. */
  #promised = 0;
  #unfinished = 0;
  readonly #joiners = new Line<boolean>();

  constructor(maxSize: unknown = 0) {
    this.#maxSize = checkWhole('maxSize', maxSize, 0, Number.MAX_SAFE_INTEGER) || Infinity;
  }

  get #length(): number {
    return this.#items.length - this.#head;
  }

  put(call: Call, value: unknown, timeout?: unknown): void | Promise<void> {
    if (this.#length + this.#promised < this.#maxSize) return this.#add(value);
    return this.#putLater(call, value, checkDelay(timeout));
  }

  async #putLater(call: Call, value: unknown, timeoutMs: number | undefined): Promise<void> {
    if (timeoutMs === 0 || !(await this.#putters.wait(call, timeoutMs, false)))
      throw queueFull(this.#maxSize, timeoutMs ?? 0);
    this.#promised--;
    this.#add(value);
  }

  #add(value: unknown): void {
    this.#unfinished++;
    if (this.#getters.next({ value })) this.#admit();
    else this.#items.push(value);
  }

  /** Those who wait for room are told as long as there is some. */
  #admit(): void {
    while (this.#length + this.#promised < this.#maxSize && this.#putters.next(true)) this.#promised++;
  }

  get(call: Call, timeout?: unknown): unknown {
    if (this.#length === 0) return this.#getLater(call, checkDelay(timeout));
    const value = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    this.#admit();
    return value;
  }

  async #getLater(call: Call, timeoutMs: number | undefined): Promise<unknown> {
    const box = timeoutMs === 0 ? undefined : await this.#getters.wait(call, timeoutMs, undefined);
    if (box === undefined) throw queueEmpty(timeoutMs ?? 0);
    return box.value;
  }

  qsize(): number {
    return this.#length;
  }

  empty(): boolean {
    return this.#length === 0;
  }

  full(): boolean {
    return this.#length >= this.#maxSize;
  }

  taskDone(): void {
    if (this.#unfinished === 0) throw new QueueTaskError('taskDone() was called more often than there were items.');
    if (--this.#unfinished === 0) this.#joiners.all(true);
  }

  /** Waits until each item that was put was told to be done; whether that was in time. */
  join(call: Call, timeout?: unknown): boolean | Promise<boolean> {
    return this.#unfinished === 0 || this.#joiners.wait(call, checkDelay(timeout), false);
  }

  toString(): string {
    return `Queue(${this.#length} items)`;
  }
}
