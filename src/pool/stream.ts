import { readAheadChunks, maxStreamChunk, batchMs, longestTimerMs } from '../limits.ts';
import { TimeoutError } from '../errors.ts';
import type { Failure } from '../engine/task.ts';
import type { WireJob } from '../engine/lease-writer.ts';
import type { Call } from './call.ts';
import { callSite, placeAt } from './call-site.ts';
import { explain, type Place } from './explain-failure.ts';
import { Fractions } from './fractions.ts';
import { OutcomeBuffer, type Outcome } from './outcome-buffer.ts';
import { wantsRetry } from './retries.ts';
import { abandon, type Source } from './source.ts';
import { Waiters, type Waiter } from './waiters.ts';

/** What a stream asks of its pool. */
export interface StreamHost {
  /** Items `from` to `to` are ready to be sent. */
  add(job: WireJob, from: number, to: number): void;
  /** Nobody wants what is left. */
  withdraw(job: WireJob): void;
  /** No more items will be added. */
  inputEnded?(): void;
  /** The stream is over, in whatever way. */
  over(outcome: 'done' | 'failed' | 'cancelled'): void;
  readonly workers: number;
}

export interface StreamSettings {
  readonly ordered: boolean;
  readonly skipErrors: boolean;
  readonly bufferSize: number | undefined;
  /** The stream ends with a `TimeoutError` when a result is waited for after this long since the call. */
  readonly timeoutMs?: number | undefined;
  readonly counters: { done: number; failed: number; total: number | undefined };
  readonly bar: { fraction: number };
}

/** In the place of an input that is not needed any more. */
const settledItem = Symbol('settled');

/** The job behind a stream: a window over the inputs, from the first without an outcome that was taken. */
export class StreamJob implements WireJob {
  readonly terms: Call;
  readonly firstTaskId: number;
  readonly #source: Source;
  readonly #host: StreamHost;
  readonly #settings: StreamSettings;
  readonly #fractions: Fractions;
  /** Inputs that may be sent again, from `#base` on. */
  #items: unknown[] = [];
  #base = 0;
  /** All before this place in `#items` are settled. */
  #front = 0;
  readonly #outcomes: OutcomeBuffer;
  /** Inputs read, how many of them were sent, and how many have no outcome. */
  #read = 0;
  #sent = 0;
  #open = 0;
  #window: number;
  readonly #waiters: Waiters = new Waiters();
  #inputEnd: { readonly error?: Error } | undefined;
  #reading = false;
  #over = false;
  readonly #calledMs = performance.now();

  constructor(call: Call, firstTaskId: number, source: Source, host: StreamHost, settings: StreamSettings) {
    this.terms = call;
    this.firstTaskId = firstTaskId;
    this.#source = source;
    this.#host = host;
    this.#settings = settings;
    this.#fractions = new Fractions(settings.bar);
    this.#outcomes = new OutcomeBuffer(settings);
    this.#window = settings.bufferSize ?? readAheadChunks * host.workers * (call.chunkSize ?? 1);
    queueMicrotask(() => this.#fill());
  }

  get growing(): boolean {
    return this.#inputEnd === undefined;
  }

  /** How many inputs were read. */
  get read(): number {
    return this.#read;
  }

  /** `imap(square) taken=3 ended` */
  describe(): string {
    const { method, name } = this.terms;
    return `${method}(${name}) taken=${this.#outcomes.taken}${this.#over ? ' ended' : ''}`;
  }

  items(from: number): { readonly values: ArrayLike<unknown>; readonly offset: number } {
    return { values: this.#items, offset: from - this.#base };
  }

  /** Reads inputs up to the window. Whole chunks only, when their size is fixed. */
  #fill(): void {
    if (this.#reading || this.#inputEnd !== undefined || this.#over || this.#read >= this.#goal()) return;
    if (this.#source.async) return void this.#fillAsync();
    const goal = this.#goal();
    const iterator = this.#source.iterator as Iterator<unknown>;
    this.#reading = true;
    while (this.#read < goal && this.#inputEnd === undefined && !this.#over) {
      try {
        const { done, value } = iterator.next();
        if (done === true) this.#endInput();
        else this.#push(value);
      } catch (error) {
        this.#endInput(error as Error);
      }
    }
    this.#reading = false;
    this.#send();
  }

  /** A full window is refilled in chunks: what a consumer took one by one travels together. */
  #goal(): number {
    const chunk = this.terms.chunkSize ?? Math.max(1, this.#window >> 2);
    const room = this.#outcomes.taken + this.#window - this.#read;
    return this.#read + (this.#settings.bufferSize === undefined ? Math.floor(room / chunk) * chunk : room);
  }

  async #fillAsync(): Promise<void> {
    this.#reading = true;
    const iterator = this.#source.iterator as AsyncIterator<unknown>;
    while (this.#read < this.#outcomes.taken + this.#window && this.#inputEnd === undefined && !this.#over) {
      try {
        const { done, value } = await iterator.next();
        if (this.#over || this.#inputEnd !== undefined) break;
        if (done === true) this.#endInput();
        else this.#push(value);
      } catch (error) {
        this.#endInput(error as Error);
      }
      const chunk = this.terms.chunkSize ?? 1;
      if (this.#read - this.#sent >= chunk || this.#inputEnd !== undefined) this.#send();
    }
    this.#reading = false;
    if (this.#read > this.#sent) this.#send();
  }

  #push(value: unknown): void {
    this.#items.push(value);
    this.#read++;
    this.#open++;
  }

  #endInput(error?: Error): void {
    this.#inputEnd = error === undefined ? {} : { error };
    this.#settings.counters.total ??= this.#read;
    this.#host.inputEnded?.();
  }

  /** Reads no more, although there may be more. */
  endInput(error: Error): void {
    if (this.#inputEnd !== undefined || this.#over) return;
    this.#endInput(error);
    abandon(this.#source.iterator);
    this.#send();
  }

  #send(): void {
    const from = this.#sent;
    // As in Python, an input that throws takes the unfinished chunk with it, when chunks have a fixed size, but for what was sent.
    const { chunkSize } = this.terms;
    if (this.#inputEnd?.error !== undefined && chunkSize !== undefined) {
      const to = Math.max(from, this.#read - (this.#read % chunkSize));
      this.#open -= this.#read - to;
      this.#read = to;
    }
    this.#sent = this.#read;
    if (this.#sent > from && !this.#over) this.#host.add(this, from, this.#sent);
    if (this.#inputEnd !== undefined) this.#deliver();
  }

  succeed(from: number, values: readonly unknown[]): void {
    this.#settings.counters.done += values.length;
    for (let i = 0; i < values.length; i++) this.#settle(from + i, { ok: true, value: values[i] });
    this.#deliver();
  }

  fail(index: number, failure: Failure): void {
    const { counters } = this.#settings;
    counters.done++;
    counters.failed++;
    this.#settle(index, { ok: false, error: this.#over ? new Error() : explain(failure, this.#place(index)) });
    this.#deliver();
  }

  accepts(index: number, failure: Failure): boolean {
    return !this.#over && wantsRetry(failure, this.#place(index));
  }

  #place(index: number): Place {
    return { call: this.terms, taskId: this.firstTaskId + index, index, input: this.#items[index - this.#base] };
  }

  progressed(index: number, done: number, total: number | undefined): void {
    const { name, report } = this.terms;
    this.#fractions.report(index, done, total);
    report({ id: this.firstTaskId + index, name, index, done, total });
  }

  #settle(index: number, outcome: Outcome): void {
    this.#open--;
    if (this.#fractions.size > 0) this.#fractions.settle(index);
    this.#forget(index);
    if (this.#over) return;
    this.#outcomes.add(index, outcome);
  }

  /** Drops inputs that cannot be needed again; the window moves on when half of it is done, so each is moved once. */
  #forget(index: number): void {
    const place = index - this.#base;
    this.#items[place] = settledItem;
    if (place === this.#front) {
      while (this.#items[this.#front] === settledItem) this.#front++;
    }
    if (this.#front < 64 || this.#front * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#front);
    this.#base += this.#front;
    this.#front = 0;
  }

  #deliver(): void {
    if (this.#over) return;
    while (this.#waiters.length > 0) {
      const outcome = this.#outcomes.take();
      if (outcome === undefined) break;
      this.#waiters.settleFirst(outcome);
    }
    if (this.#waiters.length > 0 && this.#exhausted()) this.#finish();
    else this.#fill();
  }

  #exhausted(): boolean {
    return this.#inputEnd !== undefined && this.#open === 0;
  }

  /** All outcomes are taken: the input's own error comes last, once. */
  #finish(): void {
    const error = this.#inputEnd?.error;
    this.#end(error === undefined ? 'done' : 'failed');
    this.#waiters.end(error);
    this.#inputEnd = {};
  }

  next(timeoutMs?: number): Promise<IteratorResult<unknown, undefined>> {
    if (this.#waiters.length === 0) {
      const outcome = this.#outcomes.take();
      if (outcome !== undefined) {
        this.#fill();
        return outcome.ok ? Promise.resolve({ done: false, value: outcome.value }) : Promise.reject(outcome.error);
      }
      if (this.#ended !== undefined) return this.#ended.error === undefined ? doneResult() : this.#rejectOnce();
      this.#widen();
    }
    const { timeoutMs: wholeMs } = this.#settings;
    const leftMs = wholeMs === undefined ? Infinity : Math.max(0, this.#calledMs + wholeMs - performance.now());
    const { promise, waiter } = this.#waiters.add();
    this.#deliver();
    const limitMs = Math.min(leftMs, timeoutMs ?? Infinity);
    if (limitMs <= longestTimerMs && this.#waiters.isWaiting(waiter)) {
      const site = callSite();
      // The time of the whole call is over no later than that of this result.
      const expire = leftMs === limitMs ? () => this.#expire(site) : () => this.#giveUp(waiter, limitMs, site);
      if (leftMs > 0) this.#waiters.after(waiter, limitMs, expire);
      else expire();
    }
    return promise;
  }

  #giveUp(waiter: Waiter, ms: number, site: string): void {
    const message = `No result after ${ms} ms. The task goes on; a later next() gets its result.`;
    this.#waiters.reject(waiter, placeAt(new TimeoutError(message), site));
  }

  #expire(site: string): void {
    const { timeoutMs } = this.#settings;
    const message = `${this.terms.method}(${this.terms.name}) had not ended after ${timeoutMs} ms: ${this.#outcomes.taken} results were taken, the rest is cancelled.`;
    const open = this.#open > 0;
    this.abort(placeAt(new TimeoutError(message), site));
    if (open) this.#host.withdraw(this);
  }

  /** The consumer had to wait although the workers were done: they may run further ahead, up to a millisecond's work each. */
  #widen(): void {
    if (this.#settings.bufferSize !== undefined || this.terms.chunkSize !== undefined || this.#read === 0) return;
    const { meanMs } = this.terms.timing;
    if (meanMs === undefined) return;
    const chunk = Math.max(1, Math.min(maxStreamChunk, Math.floor(batchMs / Math.max(meanMs, 1e-4))));
    this.#window = Math.min(this.#window * 2, readAheadChunks * this.#host.workers * chunk * 2);
  }

  #ended: { readonly error?: Error } | undefined;

  #rejectOnce(): Promise<never> {
    const error = this.#ended!.error!;
    this.#ended = {};
    return Promise.reject(error);
  }

  #end(outcome: 'done' | 'failed' | 'cancelled', error?: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#ended = error === undefined ? {} : { error };
    this.#items = [];
    this.#host.over(outcome);
  }

  /** The consumer does not want the rest. */
  async cancel(): Promise<void> {
    if (this.#over) return;
    this.#end('cancelled');
    this.#outcomes.clear();
    this.#waiters.end();
    if (this.#open > 0) this.#host.withdraw(this);
    if (this.#inputEnd !== undefined) return;
    this.#inputEnd = {};
    // A generator ends only after the item that it is at, which may never come.
    if (this.#reading) abandon(this.#source.iterator);
    else await this.#source.iterator.return?.();
  }

  /** The pool ended, or the call was aborted: what is left of the iteration is this error. */
  abort(error: Error): void {
    if (this.#over) return;
    this.#end('failed', this.#waiters.length > 0 ? undefined : error);
    this.#outcomes.clear();
    this.#waiters.end(error);
    if (this.#inputEnd !== undefined) return;
    this.#inputEnd = {};
    abandon(this.#source.iterator);
  }
}

function doneResult(): Promise<IteratorResult<never, undefined>> {
  return Promise.resolve({ done: true, value: undefined });
}
