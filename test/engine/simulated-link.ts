import { MemoryPage, pageBytes, widen } from '#internal/channel/status-page.js';
import type { LinkEvents } from '#internal/engine/events.js';
import type { Job, Lease, Link, WorkerExit } from '#internal/engine/task.js';
import { ProtocolError } from '#internal/errors.js';
import type { Timeline } from '#internal/testing/timeline.js';

/** What an item does on a worker. */
export type Act =
  | { readonly kind: 'return'; readonly ms: number; readonly value: unknown }
  | { readonly kind: 'throw'; readonly ms: number }
  | { readonly kind: 'unsendable'; readonly ms: number }
  | { readonly kind: 'never' }
  | { readonly kind: 'crash'; readonly ms: number };

/** How one simulated worker behaves; each delay is asked for anew. */
export interface Behaviour {
  readonly bootMs: number;
  /** Its boot ends with this error instead. */
  readonly bootError?: Error | undefined;
  /** It never comes up. */
  readonly neverBoots?: boolean;
  readonly canTakeBack: boolean;
  readonly concurrency: number;
  /** The most items that begin together. */
  readonly block: number;
  /** From host to worker and back. */
  readonly delayMs: () => number;
  /** Whether finished items wait for others before their answers leave. */
  readonly holdsAnswers: () => boolean;
  readonly heedsCancel: boolean;
  readonly heedsClose: boolean;
  readonly heedsTerm: boolean;
}

/** What a simulated worker asks the world. */
export interface World {
  readonly timeline: Timeline;
  /** The arguments of an item cannot be encoded. */
  refuses(lease: Lease, index: number): Error | undefined;
  /** The arguments of an item are moved to the worker. */
  moves?(lease: Lease, index: number): boolean;
  /** An item whose arguments are moved has been sent. */
  moved?(link: SimulatedLink, lease: Lease, index: number): void;
  /** Items begin together: from here on they cannot be taken back. */
  claims?(link: SimulatedLink, lease: Lease, from: number, count: number): void;
  /** An item begins to run. */
  begins(link: SimulatedLink, lease: Lease, index: number): Act;
  /** The worker is gone; nothing of it runs from here on. */
  died?(link: SimulatedLink): void;
}

interface Batch {
  readonly lease: Lease;
  readonly sequence: number;
  readonly count: number;
  at: number;
}
interface Running {
  readonly slot: number;
  readonly sequence: number;
  stop: () => void;
}
type Answer = { readonly sequence: number; readonly ms: number; readonly value: unknown; readonly error?: Error };

/** Made once: an error's stack costs more than the rest of a schedule's step. */
const errors = {
  throw: new Error('throw'),
  unsendable: new Error('unsendable'),
  cancelled: new Error('cancelled'),
} as const;
const gone: WorkerExit = { exitCode: null, signal: 'SIGKILL', lastWords: '', oomHint: false };
const ended: WorkerExit = { exitCode: 0, signal: null, lastWords: '', oomHint: false };

/** A worker and the way to it, without either: the same claims on a real status page, in virtual time. */
export class SimulatedLink implements Link {
  readonly id: number;
  readonly behaviour: Behaviour;
  readonly #world: World;
  readonly #events: LinkEvents;
  readonly #page: MemoryPage;
  // The host's side
  #next = 0;
  #staged: Batch[] = [];
  #protocolError: Error | undefined;
  // On the way
  readonly #toWorker: (() => void)[] = [];
  readonly #toHost: (() => void)[] = [];
  #arrivalAtWorker = 0;
  #arrivalAtHost = 0;
  #arrived = 0;
  // The worker's side
  state: 'booting' | 'up' | 'dead' = 'booting';
  reported = false;
  /** It did all that it had been sent, and was asked to end. */
  endedInPeace = false;
  #bootTimer: (() => void) | undefined;
  readonly #batches: Batch[] = [];
  #begun = 0;
  readonly #running = new Map<number, Running>();
  readonly #freeSlots: number[];
  #answers: Answer[] = [];
  #closing = false;
  /** It begins nothing more. */
  stopped = false;
  readonly answered: number[] = [];
  /** Something was moved to it. */
  hasMoved = false;
  /** Jobs that move something: their items go one by one. */
  readonly #single = new WeakSet<Job>();

  constructor(id: number, behaviour: Behaviour, world: World, events: LinkEvents) {
    this.id = id;
    this.behaviour = behaviour;
    this.#world = world;
    this.#events = events;
    this.#page = new MemoryPage(new ArrayBuffer(pageBytes(behaviour.concurrency)));
    this.#freeSlots = Array.from({ length: behaviour.concurrency }, (_, i) => i);
    if (behaviour.neverBoots !== true) this.#bootTimer = world.timeline.after(behaviour.bootMs, () => this.#boot());
  }

  get canTakeBack(): boolean {
    return this.behaviour.canTakeBack;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  send(lease: Lease): { readonly taken: number; readonly error?: Error } {
    const count = this.#single.has(lease.job) ? 1 : lease.count;
    let taken = count;
    let error: Error | undefined;
    for (let i = 0; i < count && error === undefined; i++) {
      error = this.#world.refuses(lease, lease.from + i);
      if (error !== undefined) taken = i;
    }
    const moves = (i: number): boolean => this.#world.moves?.(lease, lease.from + i) === true;
    for (let i = 0; i < taken; i++) {
      if (!moves(i) || this.#single.has(lease.job)) continue;
      this.#single.add(lease.job);
      if (taken > 1) error = undefined;
      taken = 1;
    }
    if (taken > 0 && moves(0)) {
      if (lease.ahead) return { taken: 0 };
      lease.moved = this.hasMoved = true;
      this.#world.moved?.(this, lease, lease.from);
    }
    this.#next = lease.sequence + taken;
    if (taken > 0) this.#staged.push({ lease, sequence: lease.sequence, count: taken, at: 0 });
    return error === undefined ? { taken } : { taken, error };
  }

  flush(): void {
    if (this.#staged.length === 0) return;
    const batches = this.#staged;
    this.#staged = [];
    this.#tellWorker(() => {
      this.#batches.push(...batches);
      this.#pump();
    });
  }

  begun(): number {
    return widen(this.#page.begun(), this.#next);
  }

  takeBack(next: number): number {
    return widen(this.#page.takeBack(next), next);
  }

  running(): readonly { readonly sequence: number; readonly sinceMs: number }[] {
    const running = [];
    for (let i = 0; i < this.behaviour.concurrency; i++) {
      const slot = this.#page.slot(i);
      if (slot !== undefined) running.push({ sequence: widen(slot.sequence, this.#next), sinceMs: slot.sinceMs });
    }
    return running;
  }

  current(): number {
    return widen(this.#page.current(), this.#next);
  }

  reading(): number | undefined {
    const word = this.#page.reading();
    return word === undefined ? undefined : widen(word, this.#next);
  }

  cancel(sequence: number): void {
    this.#tellWorker(() => {
      if (!this.behaviour.heedsCancel) return;
      for (const running of this.#running.values()) {
        if (running.sequence !== sequence) continue;
        running.stop();
        this.#finish(running, { sequence, ms: 0, value: undefined, error: errors.cancelled });
        return;
      }
    });
  }

  close(): void {
    this.flush();
    this.#tellWorker(() => {
      this.#closing = this.behaviour.heedsClose;
      this.#endIfDone();
    });
  }

  kill(force: boolean): void {
    if (!force && !this.behaviour.heedsTerm) return;
    this.#world.timeline.after(this.behaviour.delayMs(), () => this.die());
  }

  /** The worker ends this moment. What it has sent still arrives, then its end is noticed. */
  die(exit: WorkerExit = gone): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    this.endedInPeace = exit === ended;
    this.#bootTimer?.();
    for (const { stop } of this.#running.values()) stop();
    this.#running.clear();
    this.#answers = [];
    this.#world.died?.(this);
    this.#tellHost(() => {
      this.reported = true;
      this.#events.exited({ ...exit, protocolError: this.#protocolError });
    }, true);
  }

  /** Sends an answer that is none: to a task that the worker does not hold, has not begun or has answered already. */
  answerNonsense(sequence: number, count: number): void {
    this.#tellHost(() => {
      // An item that runs by now can be answered by right; nobody could tell.
      if (sequence < this.begun() && !this.answered.includes(sequence)) return;
      this.#events.took(sequence, count, 1);
      this.#events.succeeded(sequence, new Array<unknown>(count).fill('nonsense'));
      this.#events.settled();
    });
  }

  /** The next sequence number, for nonsense about it. */
  get next(): number {
    return this.#next;
  }

  /** An error that belongs to no task: it finishes what has begun. */
  stop(): void {
    this.stopped = true;
    this.#pump();
  }

  #boot(): void {
    const { bootError } = this.behaviour;
    if (bootError !== undefined) return this.die({ ...ended, exitCode: 1, bootError });
    this.state = 'up';
    this.#tellHost(() => this.#events.ready(1_000 + this.id, 0));
    this.#listen();
  }

  #tellWorker(message: () => void): void {
    this.#arrivalAtWorker = Math.max(this.#arrivalAtWorker, this.#world.timeline.now + this.behaviour.delayMs());
    this.#toWorker.push(message);
    // Ties at one moment are decided by lot, so each arrival takes what is first, whichever entry it was made for.
    this.#world.timeline.after(this.#arrivalAtWorker - this.#world.timeline.now, () => {
      this.#arrived++;
      this.#listen();
    });
  }

  /** A worker that boots hears nothing yet; one that is dead, nothing more. */
  #listen(): void {
    for (; this.state === 'up' && this.#arrived > 0; this.#arrived--) this.#toWorker.shift()!();
  }

  #tellHost(message: () => void, evenAfterFault = false): void {
    this.#arrivalAtHost = Math.max(this.#arrivalAtHost, this.#world.timeline.now + this.behaviour.delayMs());
    this.#toHost.push(() => {
      if (this.#protocolError !== undefined && !evenAfterFault) return;
      if (evenAfterFault) return message();
      try {
        message();
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#protocolError = error;
        this.kill(true);
      }
    });
    this.#world.timeline.after(this.#arrivalAtHost - this.#world.timeline.now, () => this.#toHost.shift()!());
  }

  #pump(): void {
    if (this.state !== 'up') return;
    while (this.#running.size < this.behaviour.concurrency) {
      const batch = this.#batches[0];
      if (batch === undefined) break;
      const isBegun = batch.sequence + batch.at < this.#begun;
      if (batch.at >= batch.count || (this.stopped && !isBegun)) this.#batches.shift();
      else this.#start(batch);
    }
    if (this.#running.size === 0) this.#flushAnswers();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.#closing || this.state !== 'up' || this.#running.size > 0 || this.#batches.length > 0) return;
    this.#flushAnswers();
    this.die(ended);
  }

  /** Claims what may run now, as the worker's loop does. */
  #claim(batch: Batch): boolean {
    const sequence = batch.sequence + batch.at;
    if (sequence < this.#begun) return true;
    const { chunkSize, timeoutMs } = batch.lease.job.terms;
    const left = batch.count - batch.at;
    const one = this.behaviour.concurrency > 1 || timeoutMs !== undefined;
    const count = chunkSize !== undefined ? left : one ? 1 : Math.min(left, this.behaviour.block);
    const taken = this.#page.begin(sequence, count);
    batch.at += taken;
    this.#begun = sequence + count;
    this.#world.claims?.(this, batch.lease, batch.lease.from + batch.at, count - taken);
    return taken < count;
  }

  #start(batch: Batch): void {
    if (!this.#claim(batch)) return;
    const offset = batch.at++;
    const sequence = batch.sequence + offset;
    const slot = this.#freeSlots.pop()!;
    const sinceMs = this.#world.timeline.now;
    this.#page.setCurrent(sequence);
    this.#page.enter(slot, sequence, sinceMs);
    const running: Running = { slot, sequence, stop: () => {} };
    this.#running.set(slot, running);
    const act = this.#world.begins(this, batch.lease, batch.lease.from + offset);
    if (act.kind === 'never') return;
    running.stop = this.#world.timeline.after(act.ms, () => {
      if (act.kind === 'crash') return this.die();
      const answer = { sequence, ms: act.ms, value: act.kind === 'return' ? act.value : undefined };
      if (act.kind === 'return') this.#finish(running, answer);
      else this.#finish(running, { ...answer, error: errors[act.kind] });
    });
  }

  #finish(running: Running, answer: Answer): void {
    this.#running.delete(running.slot);
    this.#page.leave(running.slot);
    this.#freeSlots.push(running.slot);
    this.#answers.push(answer);
    if (!this.behaviour.holdsAnswers()) this.#flushAnswers();
    this.#pump();
  }

  /** Consecutive successes travel as one record. */
  #flushAnswers(): void {
    if (this.#answers.length === 0) return;
    const answers = this.#answers;
    this.#answers = [];
    this.#answer(answers);
  }

  #answer(answers: readonly Answer[]): void {
    this.#tellHost(() => {
      for (const { sequence } of answers) this.answered.push(sequence);
      for (let i = 0; i < answers.length; i++) {
        const answer = answers[i]!;
        const { sequence } = answer;
        if (answer.error !== undefined) {
          this.#events.took(sequence, 1, answer.ms);
          this.#events.failed(sequence, answer.error, answer.error === errors.unsendable ? 'unsendable' : 'error');
        } else {
          const values = [answer.value];
          let { ms } = answer;
          for (let next = answers[i + 1]; next !== undefined; next = answers[i + 1]) {
            if (next.error !== undefined || next.sequence !== sequence + values.length) break;
            values.push(next.value);
            ms += next.ms;
            i++;
          }
          this.#events.took(sequence, values.length, ms);
          this.#events.succeeded(sequence, values);
        }
      }
      this.#events.settled();
    });
  }
}
