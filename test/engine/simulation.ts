import { Timing } from '#internal/engine/batching.js';
import { Engine } from '#internal/engine/engine.js';
import type { Lease, Terms } from '#internal/engine/task.js';
import type { Random } from './random.ts';
import { SimulatedLink, type Act, type Behaviour, type World } from './simulated-link.ts';
import { Timeline, TimelineClock } from '#internal/testing/timeline.js';
import { SimulatedJob } from './simulated-job.ts';

/** What can happen in a schedule. Each schedule has some of it. */
export interface Features {
  readonly kills: boolean;
  readonly crashes: boolean;
  readonly badBoots: boolean;
  readonly failingStarts: boolean;
  readonly elastic: boolean;
  readonly recycling: boolean;
  readonly concurrent: boolean;
  readonly cannotTakeBack: boolean;
  readonly nonsense: boolean;
  readonly unsendable: boolean;
  readonly moves: boolean;
  readonly withdrawals: boolean;
  readonly cancels: boolean;
  readonly endless: boolean;
  readonly timeouts: boolean;
  readonly retries: boolean;
  readonly lateness: boolean;
  readonly pins: boolean;
  readonly resizing: boolean;
  readonly reentrant: boolean;
  readonly earlyEnd: boolean;
  readonly smallBudget: boolean;
}

/** An engine with simulated workers, and the checks that hold whatever happens: what goes in comes out once. */
export class Simulation implements World {
  readonly random: Random;
  readonly features: Features;
  readonly timeline: Timeline;
  readonly clock: TimelineClock;
  readonly engine: Engine;
  readonly links: SimulatedLink[] = [];
  readonly jobs: SimulatedJob[] = [];
  readonly violations: string[] = [];
  readonly #refusals = new Map<number, Error>();
  /** The items whose arguments are moved, and whether they were. */
  readonly #moves = new Map<number, boolean>();
  min: number;
  max: number;
  /** `terminate` was called or the pool broke. */
  over = false;
  ends = 0;
  busy = false;
  steps = 0;
  #depth = 0;

  constructor(random: Random, features: Features) {
    this.random = random;
    this.features = features;
    this.timeline = new Timeline(random.chance(0.7) ? () => random.next() : undefined);
    this.clock = new TimelineClock(this.timeline, random.chance(0.5) ? () => random.next() * 2 - 1 : undefined);
    this.max = random.whole(1, 4);
    this.min = features.elastic ? random.whole(0, this.max) : this.max;
    const concurrency = features.concurrent ? random.whole(2, 4) : 1;
    this.engine = new Engine({
      min: this.min,
      max: this.max,
      idleTimeoutMs: random.pick([1, 5, 50, 5_000]),
      bootTimeoutMs: features.badBoots ? 100 : 60_000,
      tasksPerWorker: features.recycling ? random.whole(1, 5) : Infinity,
      maxAgeMs: features.recycling && random.chance(0.5) ? random.pick([1, 20, 200]) : undefined,
      restart: { intensity: features.smallBudget ? random.whole(0, 4) : 1_000, periodMs: 60_000 },
      concurrency,
      clock: this.clock,
      start: (id, events) => {
        if (features.failingStarts && this.links.length >= this.max && random.chance(0.2)) throw new Error('no worker');
        let alive = 0;
        for (const { state, outgoing } of this.engine.members)
          if (outgoing === undefined && (state === 'starting' || state === 'ready')) alive++;
        if (alive >= this.max) this.violated(`worker ${id} is one too many`);
        if (this.ends > 0) this.violated(`worker ${id} was started after the end`);
        const link = new SimulatedLink(id, this.#behaviour(concurrency), this, events);
        this.links.push(link);
        return link;
      },
      onBroken: () => (this.over = true),
      onBusy: (busy) => (this.busy = busy),
      onEnded: () => this.ends++,
    });
  }

  #behaviour(concurrency: number): Behaviour {
    const { random, features } = this;
    const slow = random.pick([0, 0.1, 1, 8]);
    const bad = features.badBoots ? random.next() : 1;
    return {
      bootMs: random.next() * random.pick([1, 10, 60]),
      bootError: bad < 0.15 ? new Error('initializer') : undefined,
      neverBoots: bad > 0.15 && bad < 0.25,
      canTakeBack: !features.cannotTakeBack || random.chance(0.5),
      concurrency,
      block: random.whole(1, 6),
      delayMs: () => random.next() * slow,
      holdsAnswers: () => random.chance(0.3),
      heedsCancel: random.chance(0.5),
      heedsClose: random.chance(0.95),
      heedsTerm: random.chance(0.8),
    };
  }

  violated(what: string): void {
    this.violations.push(`${what} (at ${this.timeline.now.toFixed(3)} ms)`);
  }

  // World

  refusal(job: SimulatedJob, index: number): Error | undefined {
    return this.#refusals.get(job.firstTaskId + index);
  }

  refuses(lease: Lease, index: number): Error | undefined {
    // Getters of the arguments are the user's code too.
    if (this.random.chance(0.3)) this.reenter(lease.job as SimulatedJob);
    return this.refusal(lease.job as SimulatedJob, index);
  }

  moves(lease: Lease, index: number): boolean {
    return this.#moves.has(lease.job.firstTaskId + index);
  }

  moved(_: SimulatedLink, lease: Lease, index: number): void {
    const job = lease.job as SimulatedJob;
    const id = job.firstTaskId + index;
    if (this.#moves.get(id) === true) this.violated(`item ${job.id}/${index} was moved twice`);
    this.#moves.set(id, true);
  }

  hasMoved(job: SimulatedJob, index: number): boolean {
    return this.#moves.get(job.firstTaskId + index) === true;
  }

  claims(link: SimulatedLink, lease: Lease, from: number, count: number): void {
    const job = lease.job as SimulatedJob;
    const returns = link.canTakeBack && !link.hasMoved;
    if (this.over || (job.withdrawn && !returns)) return;
    for (let index = from; index < from + count; index++)
      if (job.settled[index] !== undefined && (returns || job.cancelled.get(index) !== 'forced'))
        this.violated(`item ${job.id}/${index} was claimed after it was settled`);
  }

  begins(link: SimulatedLink, lease: Lease, index: number): Act {
    const job = lease.job as SimulatedJob;
    const { attempt } = lease;
    const place = `item ${job.id}/${index}`;
    const begun = (job.begun[index] ??= []);
    const how = job.settled[index];
    if (typeof how === 'object' && how.kind === 'cancelled' && job.cancelled.get(index) === 'waiting' && !this.over)
      this.violated(`${place} began after it was cancelled`);
    if (begun.some((begin) => begin.attempt >= attempt)) this.violated(`${place} began attempt ${attempt} twice`);
    if (attempt > job.terms.retries + 1) this.violated(`${place} began attempt ${attempt}`);
    if (job.terms.pinned !== undefined && job.terms.pinned !== link.id) this.violated(`${place} began elsewhere`);
    if (!this.features.resizing && !this.features.pins && !this.features.reentrant) {
      let atWork = 0;
      for (const { state, link: other } of this.engine.members)
        if (state !== 'ending') atWork += other.running().length;
      const most = this.max * link.behaviour.concurrency;
      if (atWork > most) this.violated(`${atWork} tasks run at once, more than ${most}`);
    }
    begun.push({ link, attempt, atMs: this.timeline.now });
    return job.acts[index]!;
  }

  // What a user does

  submit(size: number, terms: Partial<Terms> = {}): SimulatedJob {
    const { random, features } = this;
    const id = this.jobs.length + 1;
    const scale = random.pick([0.01, 0.3, 3, 20]);
    const acts = Array.from({ length: size }, (_, index): Act => {
      const ms = random.next() * scale;
      const lot = random.next();
      if (features.crashes && lot < 0.1) return { kind: 'crash', ms };
      if (features.endless && lot < 0.15) return { kind: 'never' };
      if (features.unsendable && lot < 0.2) return { kind: 'unsendable', ms };
      if (features.unsendable && lot < 0.25) this.#refusals.set(id * 1_000 + index, new Error('refused'));
      if (features.moves && random.chance(0.2)) this.#moves.set(id * 1_000 + index, false);
      if (lot < 0.32) return { kind: 'throw', ms };
      return { kind: 'return', ms: lot > 0.9 ? ms * 10 : ms, value: id * 1_000 + index };
    });
    const all: Terms = {
      name: `job ${id}`,
      separate: false,
      timing: random.chance(0.5) ? (this.jobs.at(-1)?.terms.timing ?? new Timing()) : new Timing(),
      timeoutMs:
        features.timeouts && random.chance(0.5) ? random.pick(features.endless ? [20, 50] : [0, 1, 5, 30]) : undefined,
      graceMs: random.pick([0, 1, 20, 1_000]),
      queueTimeoutMs: features.lateness && random.chance(0.5) ? random.pick([0, 1, 5, 30]) : undefined,
      retries: features.retries ? random.whole(0, 4) : 0,
      retryDelayMs: features.retries && random.chance(0.5) ? (attempt) => attempt * random.pick([0, 1, 10]) : undefined,
      priority: random.pick([0, 0, 0, 1, -1]),
      line: random.chance(0.5) ? this : undefined,
      chunkSize: random.chance(0.3) ? random.whole(1, 6) : undefined,
      pinned: undefined,
      ...terms,
    };
    const job = new SimulatedJob(this, id, all, acts);
    this.jobs.push(job);
    return job;
  }

  add(job: SimulatedJob, from: number, to: number): void {
    if (this.engine.state === 'terminating' || this.engine.state === 'ended' || job.withdrawn) return;
    for (let index = from; index < to; index++) job.addedMs[index] = this.timeline.now;
    job.added = to;
    this.engine.add(job, from, to);
    this.engine.dispatch();
  }

  pin(): void {
    this.engine.pin((pinned) => {
      const job = this.submit(1, { pinned, chunkSize: undefined });
      job.addedMs[0] = this.timeline.now;
      job.added = 1;
      return job;
    });
    this.engine.dispatch();
  }

  withdraw(job: SimulatedJob, cancels: boolean): void {
    job.withdrawn = true;
    this.engine.withdraw(job, cancels ? { value: 'enough' } : undefined);
  }

  /** Cancels one item; what was cancelled without force must not have begun, nor begin later. */
  cancel(job: SimulatedJob, index: number, force: boolean): void {
    if (index >= job.added) return;
    const place = `item ${job.id}/${index}`;
    const before = job.settled[index];
    const known = job.cancelled.get(index);
    const running = this.engine.isRunning(job, index);
    if (running && job.begun[index] === undefined) this.violated(`${place} runs without having begun`);
    job.cancelled.set(index, force ? 'forced' : 'waiting');
    const cancelled = this.engine.cancel(job, index, force);
    if (!cancelled && known === undefined) job.cancelled.delete(index);
    else if (!cancelled) job.cancelled.set(index, known!);
    if (cancelled && before !== undefined) this.violated(`${place} was cancelled after it was settled`);
    if (cancelled && running && !force) this.violated(`${place} was cancelled while it ran`);
    // Inside a callback its outcome may be there without having been told yet.
    if (!cancelled && force && before === undefined && !this.over && this.#depth === 0)
      this.violated(`${place} was not cancelled by force`);
    this.engine.dispatch();
  }

  cancelWaiting(): void {
    for (const job of this.jobs)
      for (let index = 0; index < job.added; index++)
        if (job.settled[index] === undefined && !job.cancelled.has(index)) job.cancelled.set(index, 'waiting');
    this.engine.cancelWaiting();
    for (const job of this.jobs)
      for (const [index, how] of job.cancelled)
        if (how === 'waiting' && job.settled[index] === undefined) job.cancelled.delete(index);
  }

  resize(): void {
    this.max = this.random.whole(1, 4);
    this.min = this.features.elastic ? this.random.whole(0, this.max) : this.max;
    this.engine.resize(this.min, this.max);
  }

  terminate(): void {
    this.over = true;
    this.engine.terminate(new Error('terminated'));
    for (const job of this.jobs) this.#checkSettled(job, 'after terminate');
  }

  /** A user's callback may do anything to the pool that it belongs to. */
  reenter(job: SimulatedJob): void {
    if (!this.features.reentrant || this.#depth > 0 || !this.random.chance(0.15)) return;
    this.#depth++;
    const lot = this.random.next();
    if (lot < 0.2) this.cancel(job, this.random.whole(0, 20), this.random.chance(0.3));
    else if (lot < 0.4) this.withdraw(job, this.random.chance(0.5));
    else if (lot < 0.5) this.withdraw(this.random.pick(this.jobs), true);
    else if (lot < 0.75 && this.engine.state === 'running') this.add(this.submit(3), 0, 3);
    else if (lot < 0.85) this.resize();
    else if (lot < 0.95) this.engine.close();
    else {
      this.over = true;
      this.engine.terminate(new Error('terminated'));
    }
    this.#depth--;
  }

  // The checks

  get settled(): boolean {
    return this.jobs.every((job) => job.added === 0 || unsettled(job) === undefined);
  }

  run(ms: number): void {
    const until = this.timeline.now + ms;
    while (this.steps < 30_000 && this.timeline.step(until)) this.steps++;
    if (this.steps >= 30_000) this.violated('it goes on for ever');
  }

  #checkSettled(job: SimulatedJob, when: string): void {
    const index = unsettled(job);
    if (index !== undefined) this.violated(`item ${job.id}/${index} is not settled ${when}`);
  }

  /** Runs until all is done, after `close` or `terminate`. */
  finish(): void {
    this.run(60_000);
    if (this.engine.state !== 'ended' && this.links.some((link) => link.state === 'up' && link.isBusy)) {
      // A task that never ends is waited for; nothing else may wait beside an idle worker.
      this.#checkNothingWaits();
      this.terminate();
      this.run(60_000);
    }
    for (const job of this.jobs) this.#checkSettled(job, 'at the end');
    const { engine } = this;
    if (engine.state !== 'ended') this.violated(`the engine is ${engine.state} at the end`);
    if (this.ends !== 1) this.violated(`it ended ${this.ends} times`);
    if (engine.members.size > 0) this.violated(`${engine.members.size} members at the end`);
    if (this.links.some((link) => link.state !== 'dead')) this.violated('a worker lives on');
    if (this.clock.timers > 0) this.violated(`${this.clock.timers} timers at the end`);
    if (this.busy) this.violated('busy at the end');
    const all = this.jobs.reduce((sum, job) => sum + job.added, 0);
    const { succeeded, failed } = engine.counts;
    if (succeeded + failed !== all) this.violated(`${all} items, but ${succeeded} + ${failed} counted`);
  }

  #checkNothingWaits(): void {
    const { engine } = this;
    const members = [...engine.members];
    const free = members.some((member) => member.state === 'ready' && member.leases.open === 0);
    const working = members.filter(({ leases, retiredFor }) => leases.open > 0 && retiredFor !== 'close').length;
    if (!free || working >= this.max) return;
    if (engine.waiting > 0) this.violated('items wait beside an idle worker');
    for (const { link, leases } of engine.members) {
      const begun = link.begun();
      if (!link.canTakeBack) continue;
      for (const lease of leases)
        if (lease.job.terms.pinned === undefined && lease.sequence + lease.count > begun)
          this.violated('items wait behind an endless task');
    }
  }

  /** With nothing to do and nothing amiss, the crew is as large as it should be. */
  checkSize(): void {
    const { badBoots, failingStarts } = this.features;
    if (!this.settled || badBoots || failingStarts) return;
    this.run(2_000);
    if (this.engine.state !== 'running') return;
    let alive = 0;
    for (const { state, outgoing } of this.engine.members)
      if (outgoing === undefined && (state === 'starting' || state === 'ready')) alive++;
    if (alive < this.min || alive > this.max) this.violated(`${alive} workers, not ${this.min} to ${this.max}`);
  }
}

function unsettled(job: SimulatedJob): number | undefined {
  for (let index = 0; index < job.added; index++) if (job.settled[index] === undefined) return index;
  return undefined;
}
