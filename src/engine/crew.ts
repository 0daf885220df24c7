import { ManycoreError } from '../errors.ts';
import { drainGraceMs, growAfterMs, killGraceMs, restartDelayMs } from '../limits.ts';
import type { Clock } from './clock.ts';
import { isActive, isIdle, newMember, runningOf, sharesSeat, type Member, type RetireReason } from './member.ts';
import { RestartBudget, type RestartPolicy } from './restart.ts';
import type { Link, Terms, WorkerExit } from './task.ts';

export interface CrewOptions {
  min: number;
  max: number;
  /** Each task that no worker is free for gets one at once, up to `max`, instead of after a wait. */
  readonly eager?: boolean;
  /** Tasks that one worker runs at once. */
  readonly concurrency: number;
  readonly idleTimeoutMs: number;
  readonly bootTimeoutMs: number;
  readonly tasksPerWorker: number;
  /** A worker that has done something is replaced when it has been up for this long. */
  readonly maxAgeMs?: number | undefined;
  readonly restart: RestartPolicy;
}

export interface CrewEvents {
  /** Starts a worker. Throws when that fails at once. */
  start(member: (link: Link) => Member, id: number, seat: number): Member;
  /** Items that wait for a worker. */
  waiting(): number;
  /** A worker is about to get no more work, as its replacement is up. */
  outgoing(member: Member): void;
  /** Something may be to be handed out, and somebody to be started. */
  dispatch(): void;
  /** The crew gives up restarting. */
  broken(deaths: number, last: WorkerExit): void;
}

/** The workers: how many there are, when one is started, replaced, retired or killed. */
export class Crew {
  readonly members: Set<Member> = new Set();
  readonly options: CrewOptions;
  readonly #clock: Clock;
  readonly #events: CrewEvents;
  readonly #budget: RestartBudget;
  readonly #timers = new Set<() => void>();
  #lastId = 0;
  /** Until then no worker is started: the last ones died without having done anything. */
  #backOffUntilMs = -Infinity;
  #backingOff = false;
  #growing = false;
  #shrinking = false;
  #aging = false;
  /** What a boot takes, learnt from the last ones. */
  #bootMs = 0;
  /** False from `close` on: then workers are started only while something waits. */
  staffed = true;
  started = 0;
  exited = 0;

  constructor(options: CrewOptions, clock: Clock, events: CrewEvents) {
    this.options = options;
    this.#clock = clock;
    this.#events = events;
    this.#budget = new RestartBudget(options.restart);
  }

  /** Workers that take work or will. */
  get alive(): number {
    let count = 0;
    for (const member of this.members) if (isActive(member)) count++;
    return count;
  }

  /**
   * Whether another worker would get work: one that takes over a seat waits until that is free. After a `resize` several can
   * be at work in one seat.
   */
  get canGrow(): boolean {
    const { max, concurrency } = this.options;
    const taken = new Map<number, number>();
    for (const member of this.members) {
      const { seat, state, retiredFor, leases } = member;
      const isLeaving = state === 'draining' && retiredFor !== 'close' && leases.open > 0;
      if (isLeaving || isActive(member)) taken.set(seat, (taken.get(seat) ?? 0) + Math.min(leases.open, concurrency));
    }
    let slots = 0;
    for (const open of taken.values()) slots += Math.max(open, concurrency);
    return slots < max * concurrency;
  }

  /** Starts what is missing, retires what is too much. */
  staff(): void {
    const waiting = this.#events.waiting();
    const wanted = this.staffed ? this.options.min : 0;
    const needed = Math.max(wanted, this.#needed(waiting));
    while (this.alive < needed && this.#tryStart());
    if (this.alive > this.options.max) {
      const active = [...this.members].filter(isActive).toSorted((a, b) => b.seat - a.seat);
      for (const member of active.slice(0, active.length - this.options.max)) this.retire(member, 'close');
    }
    this.#releaseOutgoing();
    if (waiting > 0 && this.canGrow) this.#growSoon();
    if (this.alive > this.options.min) this.#shrinkLater(this.options.idleTimeoutMs);
  }

  #needed(waiting: number): number {
    if (this.options.eager !== true) return waiting > 0 && this.canGrow ? 1 : 0;
    let open = waiting;
    for (const { state, leases } of this.members) if (state === 'starting' || state === 'ready') open += leases.open;
    return Math.min(open, this.options.max);
  }

  /** Starts a worker, unless that has to wait or fails: then it is tried again later. */
  #tryStart(): boolean {
    if (this.#clock.now() < this.#backOffUntilMs) {
      this.#resumeLater();
      return false;
    }
    try {
      this.start();
      return true;
    } catch (error) {
      const exit = { exitCode: null, signal: null, lastWords: '', oomHint: false, bootError: error as Error };
      this.#replace({ productive: false, bootError: false }, exit, restartDelayMs.first);
      return false;
    }
  }

  #resumeLater(): void {
    if (this.#backingOff) return;
    this.#backingOff = true;
    this.after(this.#backOffUntilMs - this.#clock.now(), () => {
      this.#backingOff = false;
      this.#events.dispatch();
    });
  }

  /** @throws what the system says when it cannot start a worker. */
  start(): Member {
    const id = ++this.#lastId;
    const seat = this.#freeSeat();
    const make = (link: Link): Member => newMember(id, link, this.#clock.now(), this.options.tasksPerWorker, seat);
    const member = this.#events.start(make, id, seat.seat);
    this.members.add(member);
    this.started++;
    this.#arm(member, this.options.bootTimeoutMs, () => this.kill(member, 'boot'));
    return member;
  }

  /** A seat that nobody has, or the one of a worker that is to be replaced. */
  #freeSeat(): Pick<Member, 'seat' | 'predecessor'> {
    const holders = new Map<number, Member>();
    for (const member of this.members) {
      const { seat } = member;
      // The latest holder is the one to wait for.
      if (isActive(member) || !isActiveAt(holders, seat)) holders.set(seat, member);
    }
    let inherits: Pick<Member, 'seat' | 'predecessor'> = { seat: 0, predecessor: undefined };
    for (let seat = this.options.max - 1; seat >= 0; seat--) {
      const holder = holders.get(seat);
      if (holder !== undefined && !isActive(holder)) inherits = { seat, predecessor: holder };
    }
    for (let seat = 0; seat < this.options.max; seat++) if (!holders.has(seat)) return { seat, predecessor: undefined };
    return inherits;
  }

  /** Has a worker replaced: another is started first. */
  replace(member: Member, why: RetireReason): void {
    if (member.state !== 'ready' || (member.outgoing !== undefined && member.outgoing !== 'recycle')) return;
    member.outgoing = why;
    this.staff();
  }

  /** A worker that what waits will have used up by the time at which another can be up: that one is started. */
  expectEnd(member: Member, { timing, chunkSize }: Terms): void {
    const { meanMs } = timing;
    if (meanMs === undefined || !this.staffed || !isActive(member) || member.state !== 'ready') return;
    if (this.#events.waiting() < member.tasksLeft * (chunkSize ?? 1) * this.alive) return;
    if (member.tasksLeft * meanMs * (chunkSize ?? 1) < this.#bootMs) member.outgoing = 'recycle';
  }

  /** Each worker that is up or cannot come lets one go that it is to replace. */
  #releaseOutgoing(): void {
    let coming = 0;
    for (const { state } of this.members) if (state === 'starting') coming++;
    for (const member of this.members) {
      const { state, outgoing } = member;
      if (state !== 'ready' || outgoing === undefined) continue;
      // One that has tasks left uses them up, unless there is nothing to do: then its replacement is not needed beside it.
      if (outgoing === 'recycle' && (!isIdle(member) || this.#events.waiting() > 0)) continue;
      if (--coming >= 0) continue;
      this.#events.outgoing(member);
      this.retire(member, outgoing);
    }
  }

  /** Has those replaced that are too old and have done something, one after the other. */
  #watchAge(): void {
    const { maxAgeMs } = this.options;
    if (maxAgeMs === undefined || this.#aging || !this.staffed) return;
    const now = this.#clock.now();
    let nextMs = Infinity;
    for (const member of this.members) {
      if (member.state !== 'ready') continue;
      // Who follows it is looked at when it is gone.
      if (member.outgoing !== undefined && member.outgoing !== 'recycle') return;
      if (member.finished > 0) nextMs = Math.min(nextMs, member.startedMs + maxAgeMs - now);
    }
    if (nextMs === Infinity) return;
    this.#aging = true;
    this.after(Math.max(1, nextMs), () => {
      this.#aging = false;
      const dueMs = this.#clock.now() - maxAgeMs;
      for (const member of this.members) {
        if (member.state !== 'ready' || member.finished === 0 || member.startedMs > dueMs) continue;
        this.replace(member, 'age');
        break;
      }
      this.#watchAge();
      // What it had not begun may have come back.
      this.#events.dispatch();
    });
  }

  /** A worker is up. */
  booted(member: Member, pid: number | undefined, initializerMs: number): void {
    const now = this.#clock.now();
    const bootMs = now - member.startedMs;
    this.#bootMs += (bootMs - this.#bootMs) * (this.#bootMs === 0 ? 1 : 0.3);
    member.pid = pid;
    member.bootedMs = now;
    // The worker's word.
    member.initializerMs = initializerMs > 0 ? Math.min(initializerMs, bootMs) : 0;
    // One that was asked to end in the meantime has another timer by now.
    if (member.state !== 'ending') member.timer?.();
    if (member.state === 'starting') member.state = 'ready';
    member.idleSinceMs = now;
    this.#budget.booted();
    this.#releaseOutgoing();
    if (this.alive > this.options.min) this.#shrinkLater(this.options.idleTimeoutMs);
  }

  /** A worker answered `count` items. */
  productive(member: Member, count: number): void {
    const first = member.finished === 0;
    member.finished += count;
    if (first) {
      this.#budget.productive();
      this.#watchAge();
    }
    if (isIdle(member)) {
      member.idleSinceMs = this.#clock.now();
      this.settle(member);
    }
  }

  /** Closes a draining worker that has answered all, or, if it has stopped, all that it has begun: the rest is seen when it is gone. */
  settle(member: Member): void {
    if (member.state !== 'draining') return;
    if (member.stopped ? runningOf(member) > 0 : !isIdle(member) || member.pinned.length > 0) return;
    member.state = 'ending';
    member.endedFor = member.retiredFor;
    member.link.close();
    this.#arm(member, drainGraceMs, () => this.kill(member, 'close'));
  }

  /** Lets a worker finish what it has, then end. */
  retire(member: Member, why: RetireReason): void {
    if (member.state === 'ending' || member.state === 'draining') return;
    member.retiredFor = why;
    member.state = 'draining';
    this.settle(member);
  }

  /**
   * Replaces a worker that begins nothing any more. One that has answered nothing counts as dead: each that follows may be like it.
   *
   * @param cause - Why it has stopped.
   */
  dismiss(member: Member, cause: Error | undefined): void {
    if (member.stopped) return;
    member.stopped = true;
    this.retire(member, 'recycle');
    this.settle(member);
    if (member.finished > 0) return;
    const exit = { exitCode: null, signal: null, lastWords: '', oomHint: false, bootError: cause };
    this.#replace({ productive: false, bootError: false }, exit, 0);
  }

  /** Ends a worker that does not end by itself: SIGTERM, after a grace SIGKILL; a hung task deserves no grace. */
  kill(member: Member, why: NonNullable<Member['endedFor']>, force: boolean = why !== 'close'): void {
    member.endedFor ??= why;
    member.state = 'ending';
    member.link.kill(force);
    member.timer?.();
    if (!force) this.#arm(member, killGraceMs, () => member.link.kill(true));
  }

  /** A worker is gone. */
  left(member: Member, exit: WorkerExit): void {
    member.timer?.();
    this.members.delete(member);
    for (const other of this.members) if (other.predecessor === member) other.predecessor = member.predecessor;
    this.exited++;
    this.#watchAge();
    const { endedFor } = member;
    const end = endedFor === 'boot' ? { ...exit, bootError: this.#tooSlow() } : exit;
    const failedBoot = endedFor === 'boot' || (exit.bootError !== undefined && endedFor !== 'close');
    // Whom we ended did not die, be it for a task that ran too long.
    if (endedFor !== undefined && !failedBoot) this.staff();
    else this.#replace({ productive: member.finished > 0, bootError: failedBoot }, end, 0);
  }

  #tooSlow(): Error {
    return new ManycoreError(
      `It was not ready within ${this.options.bootTimeoutMs} ms, with its initializer. Give it more with the option bootTimeout.`,
    );
  }

  /** Starts another in the place of one that died, at once or later, as the budget says. */
  #replace(death: Parameters<RestartBudget['died']>[1], exit: WorkerExit, leastDelayMs: number): void {
    const now = this.#clock.now();
    const verdict = this.#budget.died(now, death);
    if (!verdict.restart) return this.#events.broken(verdict.deaths, exit);
    const delayMs = Math.max(verdict.delayMs, leastDelayMs);
    if (delayMs === 0) return this.staff();
    this.#backOffUntilMs = Math.max(this.#backOffUntilMs, now + delayMs);
    this.#resumeLater();
  }

  /** Grows by doubling, each time after a short wait: a burst that the present workers finish at once starts no others. */
  #growSoon(): void {
    if (this.#growing) return;
    this.#growing = true;
    this.after(growAfterMs, () => {
      this.#growing = false;
      const waiting = this.#events.waiting();
      if (waiting === 0) return;
      // Those that start without work will take some: a burst that is shorter than a boot must not start one each time.
      let coming = 0;
      for (const { state, leases } of this.members) if (state === 'starting' && leases.open === 0) coming++;
      const more = Math.min(Math.max(1, this.alive), waiting - coming);
      for (let i = 0; i < more && this.canGrow && this.#tryStart(); i++);
      if (this.canGrow) this.#growSoon();
    });
  }

  #shrinkLater(ms: number): void {
    if (this.#shrinking || this.options.idleTimeoutMs === Infinity) return;
    this.#shrinking = true;
    this.after(ms, () => {
      this.#shrinking = false;
      const now = this.#clock.now();
      const waiting = this.#events.waiting();
      let nextMs = Infinity;
      for (const member of this.members) {
        if (this.alive <= this.options.min) return;
        // One that works is looked at again when it is done, one that waits for its seat when that is free.
        if (member.state !== 'ready' || !isIdle(member) || (waiting > 0 && sharesSeat(member))) continue;
        const leftMs = member.idleSinceMs + this.options.idleTimeoutMs - now;
        if (leftMs <= 0) this.retire(member, 'close');
        else nextMs = Math.min(nextMs, leftMs);
      }
      if (nextMs < Infinity) this.#shrinkLater(Math.max(1, nextMs));
    });
  }

  #arm(member: Member, ms: number, callback: () => void): void {
    member.timer?.();
    member.timer = ms === Infinity ? undefined : this.#clock.after(ms, callback);
  }

  /** Calls back after `ms`, unless all has ended by then. */
  after(ms: number, callback: () => void): void {
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }

  /** No timer is left behind. */
  stop(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}

function isActiveAt(holders: ReadonlyMap<number, Member>, seat: number): boolean {
  const holder = holders.get(seat);
  return holder !== undefined && isActive(holder);
}
