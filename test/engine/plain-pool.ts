import { Timing } from '#internal/engine/batching.js';
import { Engine } from '#internal/engine/engine.js';
import type { EngineOptions } from '#internal/engine/events.js';
import { isActive } from '#internal/engine/member.js';
import type { Failure, Job, Lease, Terms, WorkerExit } from '#internal/engine/task.js';
import { SimulatedLink, type Act, type Behaviour, type World } from './simulated-link.ts';
import { Timeline, TimelineClock } from '#internal/testing/timeline.js';

/** Of a call without options. */
export function plainTerms(name: string): Terms {
  return {
    name,
    separate: false,
    timing: new Timing(),
    timeoutMs: undefined,
    graceMs: 0,
    queueTimeoutMs: undefined,
    retries: 0,
    retryDelayMs: undefined,
    priority: 0,
    line: undefined,
    chunkSize: undefined,
    pinned: undefined,
  };
}

/** A job that counts how often each item was settled. */
export class PlainJob implements Job {
  readonly terms: Terms;
  readonly firstTaskId = 0;
  readonly act: (index: number) => Act;
  readonly counts: number[] = [];
  readonly failures: { readonly index: number; readonly failure: Failure }[] = [];
  readonly values = new Map<number, unknown>();
  /** When each item began, and on which worker. */
  readonly begun: { readonly index: number; readonly workerId: number; readonly atMs: number }[] = [];
  onFail: (() => void) | undefined;

  constructor(act: (index: number) => Act, terms: Partial<Terms> = {}) {
    this.act = act;
    this.terms = { ...plainTerms('plain'), ...terms };
  }

  succeed(from: number, values: readonly unknown[]): void {
    values.forEach((value, i) => {
      this.values.set(from + i, value);
      this.counts[from + i] = (this.counts[from + i] ?? 0) + 1;
    });
  }

  fail(index: number, failure: Failure): void {
    this.failures.push({ index, failure });
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.onFail?.();
  }

  progressed(): void {}

  /** Whether the first `size` items are settled, each once. */
  done(size: number): boolean {
    return this.counts.length === size && Object.keys(this.counts).length === size && this.counts.every((n) => n === 1);
  }
}

export function returns(ms: number): Act {
  return { kind: 'return', ms, value: 'value' };
}

/** An engine with workers that boot in 5 ms and are 0.05 ms away, unless told otherwise. */
export class PlainPool implements World {
  readonly clock: TimelineClock;
  readonly timeline: Timeline;
  readonly links: SimulatedLink[] = [];
  readonly engine: Engine;
  readonly exits: WorkerExit[] = [];
  ends = 0;
  broken: Error | undefined;
  refused: ((job: PlainJob, index: number) => Error | undefined) | undefined;
  /** Called before a worker is started. */
  starting: ((id: number) => void) | undefined;

  constructor(
    options: Partial<EngineOptions> & { readonly size?: number },
    behaviour: Partial<Behaviour> | ((id: number) => Partial<Behaviour>) = {},
    timeline: Timeline = new Timeline(),
  ) {
    this.clock = new TimelineClock(timeline);
    this.timeline = timeline;
    const { size = 2 } = options;
    const concurrency = options.concurrency ?? 1;
    this.engine = new Engine({
      min: size,
      max: size,
      idleTimeoutMs: 5_000,
      bootTimeoutMs: 60_000,
      tasksPerWorker: Infinity,
      restart: { intensity: 100, periodMs: 60_000 },
      concurrency,
      clock: this.clock,
      onExit: (_, exit) => this.exits.push(exit),
      onBroken: (error) => (this.broken = error),
      onEnded: () => this.ends++,
      ...options,
      start: (id, events) => {
        this.starting?.(id);
        const own = typeof behaviour === 'function' ? behaviour(id) : behaviour;
        const link = new SimulatedLink(id, { ...plain, concurrency, ...own }, this, events);
        this.links.push(link);
        return link;
      },
    });
    this.engine.start();
  }

  refuses(lease: Lease, index: number): Error | undefined {
    return this.refused?.(lease.job as PlainJob, index);
  }

  begins(link: SimulatedLink, lease: Lease, index: number): Act {
    const job = lease.job as PlainJob;
    job.begun.push({ index, workerId: link.id, atMs: this.timeline.now });
    return job.act(index);
  }

  submit(size: number, act: (index: number) => Act, terms: Partial<Terms> = {}): PlainJob {
    const job = new PlainJob(act, terms);
    this.engine.add(job, 0, size);
    this.engine.dispatch();
    return job;
  }

  /** Workers that take work or will. */
  get alive(): number {
    return [...this.engine.members].filter(isActive).length;
  }

  /** Closes and lets time pass until the end. */
  close(): void {
    this.engine.close();
    this.timeline.run(() => this.engine.state === 'ended', this.timeline.now + 600_000);
  }
}

const plain: Behaviour = {
  bootMs: 5,
  canTakeBack: true,
  concurrency: 1,
  block: 4,
  delayMs: () => 0.05,
  holdsAnswers: () => false,
  heedsCancel: true,
  heedsClose: true,
  heedsTerm: true,
};
