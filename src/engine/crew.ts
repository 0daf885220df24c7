import { drainGraceMs, growAfterMs, killGraceMs } from '../limits.ts';
import type { Clock } from './clock.ts';
import { isIdle, newMember, type Member } from './member.ts';
import { RestartBudget, type RestartPolicy } from './restart.ts';
import type { Link, WorkerExit } from './task.ts';

export interface CrewOptions {
  min: number;
  max: number;
  readonly idleTimeoutMs: number;
  readonly bootTimeoutMs: number;
  readonly tasksPerWorker: number;
  readonly restart: RestartPolicy;
}

export interface CrewEvents {
  /** Starts a worker. Throws when that fails at once. */
  start(member: (link: Link) => Member, id: number): Member;
  /** Items that wait for a worker. */
  waiting(): number;
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
  #delayed = 0;
  #growing = false;
  #shrinking = false;
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
    let count = this.#delayed;
    for (const { state } of this.members) if (state === 'starting' || state === 'ready') count++;
    return count;
  }

  /** Starts what is missing, retires what is too much. */
  staff(): void {
    const waiting = this.#events.waiting();
    const wanted = this.staffed ? this.options.min : 0;
    const needed = Math.max(wanted, waiting > 0 ? 1 : 0);
    while (this.alive < needed) this.start();
    for (const member of this.members) {
      if (this.alive <= this.options.max) break;
      if (member.state === 'ready' || member.state === 'starting') this.retire(member, 'close');
    }
    if (waiting > 0 && this.alive < this.options.max) this.#growSoon();
    if (this.alive > this.options.min) this.#shrinkLater(this.options.idleTimeoutMs);
  }

  start(): Member {
    const id = ++this.#lastId;
    const make = (link: Link): Member => newMember(id, link, this.#clock.now(), this.options.tasksPerWorker);
    const member = this.#events.start(make, id);
    this.members.add(member);
    this.started++;
    this.#after(this.options.bootTimeoutMs, () => {
      if (member.state === 'starting' && this.members.has(member)) this.kill(member, 'boot');
    });
    return member;
  }

  /** A worker is up. */
  booted(member: Member, pid: number | undefined): void {
    member.pid = pid;
    if (member.state === 'starting') member.state = 'ready';
    member.idleSinceMs = this.#clock.now();
    this.#budget.booted();
    if (this.alive > this.options.min) this.#shrinkLater(this.options.idleTimeoutMs);
  }

  /** A worker answered. */
  productive(member: Member): void {
    if (member.finished === 0) this.#budget.productive();
    if (isIdle(member)) {
      member.idleSinceMs = this.#clock.now();
      this.settle(member);
    }
  }

  /** Closes a draining worker that has answered all. */
  settle(member: Member): void {
    if (member.state !== 'draining' || !isIdle(member)) return;
    member.state = 'ending';
    member.link.close();
    this.#after(drainGraceMs, () => this.members.has(member) && this.kill(member, 'close'));
  }

  /** Lets a worker finish what it has, then end. */
  retire(member: Member, why: 'close' | 'recycle' | 'memory'): void {
    if (member.state === 'ending' || member.state === 'draining') return;
    member.endedFor = why;
    member.state = 'draining';
    this.settle(member);
  }

  /** Ends a worker that does not end by itself: SIGTERM, after a grace SIGKILL; a hung task deserves no grace. */
  kill(member: Member, why: NonNullable<Member['endedFor']>, force: boolean = why !== 'close'): void {
    member.endedFor ??= why;
    member.state = 'ending';
    member.link.kill(force);
    if (!force) this.#after(killGraceMs, () => this.members.has(member) && member.link.kill(true));
  }

  /** A worker is gone. Returns false when the crew gave up. */
  left(member: Member, exit: WorkerExit): void {
    this.members.delete(member);
    this.exited++;
    const expected = member.endedFor === 'close' || member.endedFor === 'recycle' || member.endedFor === 'memory';
    if (expected) return this.staff();
    const failedBoot = exit.bootError !== undefined || member.endedFor === 'boot';
    const verdict = this.#budget.died(this.#clock.now(), { productive: member.finished > 0, bootError: failedBoot });
    if (!verdict.restart) return this.#events.broken(verdict.deaths, exit);
    if (verdict.delayMs === 0) return this.staff();
    // The delayed start counts as alive, so that nothing else starts one in the meantime.
    this.#delayed++;
    this.#after(verdict.delayMs, () => {
      this.#delayed--;
      this.staff();
    });
  }

  /** Grows by doubling, each time after a short wait: a burst that the present workers finish at once starts no others. */
  #growSoon(): void {
    if (this.#growing) return;
    this.#growing = true;
    this.#after(growAfterMs, () => {
      this.#growing = false;
      const waiting = this.#events.waiting();
      if (waiting === 0) return;
      const more = Math.min(this.options.max - this.alive, Math.max(1, this.alive), waiting);
      for (let i = 0; i < more; i++) this.start();
      if (this.alive < this.options.max) this.#growSoon();
    });
  }

  #shrinkLater(ms: number): void {
    if (this.#shrinking || this.options.idleTimeoutMs === Infinity) return;
    this.#shrinking = true;
    this.#after(ms, () => {
      this.#shrinking = false;
      const now = this.#clock.now();
      let nextMs = Infinity;
      for (const member of this.members) {
        if (this.alive <= this.options.min) return;
        if (member.state !== 'ready') continue;
        const leftMs = isIdle(member)
          ? member.idleSinceMs + this.options.idleTimeoutMs - now
          : this.options.idleTimeoutMs;
        if (leftMs <= 0) this.retire(member, 'close');
        else nextMs = Math.min(nextMs, leftMs);
      }
      if (this.alive > this.options.min) this.#shrinkLater(Math.min(nextMs, this.options.idleTimeoutMs));
    });
  }

  #after(ms: number, callback: () => void): void {
    if (ms === Infinity) return;
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
