import { longestTimerMs } from '../limits.ts';
import { later } from '../blocking/later.ts';
import { openProcess } from '../channel/process.ts';
import { openThread } from '../channel/thread.ts';
import { filterEnvironment, filterExecArgv } from '../channel/exec-argv.ts';
import { realClock, type Clock } from '../engine/clock.ts';
import { Engine } from '../engine/engine.ts';
import type { LinkEvents } from '../engine/events.ts';
import { Functions } from '../engine/functions.ts';
import { checkCopies } from '../engine/socket-ledger.ts';
import { InlineLink, type InlineOptions } from '../engine/inline-link.ts';
import { WorkerLink, type LinkOptions } from '../engine/link.ts';
import type { Member } from '../engine/member.ts';
import type { WorkerExit } from '../engine/task.ts';
import { BlockingError, NestingError } from '../errors.ts';
import {
  bootTimeoutMs,
  idleTimeoutMs,
  maxNesting,
  memoryCheckMs,
  restartIntensity,
  restartPeriodMs,
} from '../limits.ts';
import { kindOf } from '../process/start-method.ts';
import { unleash } from './chaos.ts';
import { inMB, memoryOf } from './memory.ts';
import type { Holder, Unfinished } from '../program/holder.ts';
import { programEnd } from '../program/index.ts';
import { shared } from '../worker/task-context.ts';
import { encodeAhead } from '../wire/encoded-message.ts';
import { asError } from '../wire/error-codec.ts';
import { runInline } from './inline.ts';
import type { Call } from './call.ts';
import { callSite, shortSite, trimStacks } from './call-site.ts';
import { refused } from './explain-failure.ts';
import type { PoolOptions } from './options.ts';
import { writeOutput } from './output.ts';
import type { Size } from './size.ts';

/** Which worker: its number in the pool, and the process id or thread id, which it has from when it is up. */
export interface WorkerId {
  readonly id: number;
  readonly pid: number | undefined;
}

/** Which worker ended, and how. */
export interface WorkerEnd extends WorkerId, Pick<WorkerExit, 'exitCode' | 'signal'> {}

export interface BackendEvents {
  workerStart(worker: WorkerId): void;
  workerExit(worker: WorkerEnd): void;
  /** An error that no task caught: a timer's callback, a promise that nobody awaited. */
  workerError(error: Error, worker: WorkerId): void;
  /** The engine takes no more work and is about to fail what it has. */
  broken(error: Error): void;
  /** The workers are gone, and nothing is left to be done. */
  ended(): void;
}

/** The engine of a pool with real workers. It does not know the pool, so that a forgotten pool can be collected. */
export class Backend implements Holder {
  readonly engine: Engine;
  readonly functions: Functions;
  readonly context: 'process' | 'thread' | 'inline';
  readonly ended: Promise<void>;
  readonly #options: PoolOptions;
  readonly #events: BackendEvents;
  readonly #links = new Map<number, WorkerLink>();
  readonly #inline = new Map<number, InlineLink>();
  readonly #initializer: LinkOptions['initializer'];
  readonly #finalizer: LinkOptions['finalizer'];
  readonly #nameOf: ((seat: number) => string) | undefined;
  /** What the finalizers of those that have ended returned. */
  readonly finalizerResults: unknown[] = [];
  /** What the first finalizer that failed threw. */
  finalizerError: Error | undefined;
  readonly #execArgv: readonly string[];
  readonly #nesting: number;
  readonly #leaveProgram: () => void;
  #env: NodeJS.ProcessEnv | undefined;
  /**
   * Keeps the program alive while there is work. Not the channels: between the death of the last worker and the delayed
   * start of the next there is none.
   */
  readonly #alive: NodeJS.Timeout = setInterval(() => {}, longestTimerMs).unref();
  #stopMemoryTimer: () => void = () => undefined;
  #calm: () => void = () => undefined;

  /** @param nameOf - What the worker in a seat is called. */
  constructor(options: PoolOptions, size: Size, events: BackendEvents, nameOf?: (seat: number) => string) {
    this.#options = options;
    this.#events = events;
    this.#nameOf = nameOf;
    this.#nesting = (shared.worker?.nesting ?? 0) + 1;
    if (this.#nesting > maxNesting) {
      throw new NestingError(
        `Cannot make a pool in a task of a pool ... ${this.#nesting} deep: the limit is ${maxNesting}.`,
      );
    }
    this.context = options.workers === 0 || options.clock !== undefined ? 'inline' : kindOf(options.context);
    this.functions = new Functions(this.context === 'thread');
    this.#initializer = this.#encodeInitializer();
    this.#finalizer = this.#encodeFinalizer();
    this.#execArgv = filterExecArgv(process.execArgv, this.context === 'thread' ? 'thread' : 'process');
    let end!: () => void;
    this.ended = new Promise((resolve) => (end = resolve));
    const { clock = realClock } = options;
    this.engine = new Engine({
      ...size,
      idleTimeoutMs: options.idleTimeout ?? idleTimeoutMs,
      bootTimeoutMs: options.bootTimeout ?? bootTimeoutMs,
      tasksPerWorker: options.maxTasksPerChild ?? Infinity,
      maxAgeMs: options.maxAgePerWorker === Infinity ? undefined : options.maxAgePerWorker,
      restart: {
        intensity: options.restart?.intensity ?? restartIntensity,
        periodMs: options.restart?.period ?? restartPeriodMs,
      },
      concurrency: options.concurrency ?? 1,
      clock,
      start: (id, linkEvents, seat) =>
        this.context === 'inline' ? this.#simulate(id, seat, clock, linkEvents) : this.#open(id, seat, linkEvents),
      onExit: (member, exit) => this.#left(member, exit),
      onBroken: (error) => events.broken(error),
      onBusy: (busy) => {
        this.#alive[busy ? 'ref' : 'unref']();
        programEnd.busy(this, busy);
      },
      onEnded: () => {
        this.#stop();
        events.ended();
        end();
      },
    });
    this.#leaveProgram = programEnd.join(this);
    if (options.chaos !== undefined) this.#calm = unleash(options.chaos, () => [...this.#links.values()]);
    if (options.maxMemoryPerWorker !== undefined) this.#watchMemory(options.maxMemoryPerWorker);
    try {
      this.engine.start();
    } catch (error) {
      // Those that did start are ended: a pool that could not be made leaves nothing.
      this.#destroyLinks();
      this.#stop();
      throw error;
    }
  }

  #stop(): void {
    clearInterval(this.#alive);
    this.#stopMemoryTimer();
    this.#calm();
    this.#leaveProgram();
  }

  #encodeInitializer(): LinkOptions['initializer'] {
    const { initializer, initArgs } = this.#options;
    if (initializer === undefined) return undefined;
    if (this.context === 'inline') return undefined;
    try {
      const fn = this.functions.handleOf(initializer).message;
      const args = encodeAhead(this.functions.encoder, initArgs ?? []);
      // Each worker gets the same ones.
      checkCopies(args.attachments);
      return { fn, args };
    } catch (error) {
      throw refused(error as Error, 'initializer', initializer.name, callSite(), 'initArgs');
    }
  }

  #encodeFinalizer(): LinkOptions['finalizer'] {
    const { finalizer } = this.#options;
    if (finalizer === undefined || this.context === 'inline') return undefined;
    try {
      return this.functions.handleOf(finalizer).message;
    } catch (error) {
      throw refused(error as Error, 'finalizer', finalizer.name, callSite());
    }
  }

  #simulate(id: number, seat: number, clock: Clock, events: LinkEvents): InlineLink {
    const { initializer, initArgs, faults } = this.#options;
    const initialize = (): unknown => initializer?.(...(initArgs ?? []));
    const worker = { workerId: id, workerIndex: seat };
    const call: InlineOptions['call'] = (...task) => runInline(this, worker, ...task);
    const { finalizer } = this.#options;
    const finalize = finalizer && {
      run: finalizer,
      done: (outcome: PromiseSettledResult<unknown>): void => this.#finalized(id, outcome),
    };
    const link = new InlineLink({ id, clock, initialize, finalize, call, faults }, events);
    this.#inline.set(id, link);
    return link;
  }

  #open(id: number, seat: number, linkEvents: LinkEvents): WorkerLink {
    const link = new WorkerLink(
      {
        workerId: id,
        workerIndex: seat,
        nesting: this.#nesting,
        concurrency: this.#options.concurrency ?? 1,
        shares: this.context === 'thread',
        execArgv: this.#execArgv,
        env: this.#environment(),
        open: this.context === 'thread' ? openThread : openProcess,
        name: this.#nameOf?.(seat),
        cpus: this.#cpusOf(seat),
        initializer: this.#initializer,
        finalizer: this.#finalizer,
        finalized: (outcome) => this.#finalized(id, outcome),
        output: writeOutput,
        uncaught: (error, blamed) => this.#uncaught(id, error, blamed),
      },
      {
        ...linkEvents,
        ready: (pid, initializerMs) => {
          linkEvents.ready(pid, initializerMs);
          this.#events.workerStart({ id, pid });
        },
        exited: (exit) => {
          if (exit.bootError !== undefined) trimStacks(exit.bootError);
          linkEvents.exited(exit);
        },
      },
    );
    this.#links.set(id, link);
    return link;
  }

  #environment(): NodeJS.ProcessEnv {
    return (this.#env ??= filterEnvironment({ ...process.env, ...this.#options.env }));
  }

  #cpusOf(seat: number): readonly number[] | undefined {
    const { cpus } = this.#options;
    // After a `resize` there may be more workers than entries.
    const cpu = cpus?.[seat % cpus.length];
    return typeof cpu === 'number' ? [cpu] : cpu;
  }

  #finalized(id: number, outcome: PromiseSettledResult<unknown>): void {
    if (outcome.status === 'fulfilled') return void this.finalizerResults.push(outcome.value);
    const error = asError(outcome.reason);
    trimStacks(error);
    this.finalizerError ??= error;
    this.#events.workerError(error, { id, pid: this.#member(id)?.pid });
  }

  /** A worker in an unknown state finishes what it runs and is replaced. */
  #uncaught(id: number, error: Error, blamed: boolean): void {
    const member = this.#member(id);
    if (member === undefined) return;
    trimStacks(error);
    if (!blamed) this.#events.workerError(error, { id, pid: member.pid });
    this.engine.recycle(member, 'recycle', error);
  }

  #member(id: number): Member | undefined {
    for (const member of this.engine.members) if (member.id === id) return member;
    return undefined;
  }

  #left(member: Member, { exitCode, signal }: WorkerExit): void {
    this.#links.delete(member.id);
    this.#inline.delete(member.id);
    this.#events.workerExit({ id: member.id, pid: member.pid, exitCode, signal });
  }

  #watchMemory(limit: number): void {
    this.#stopMemoryTimer = later(memoryCheckMs, () => {
      this.#watchMemory(limit);
      this.#checkMemory(limit);
    });
  }

  #checkMemory(limit: number): void {
    for (const member of this.engine.members) {
      const link = this.#links.get(member.id);
      if (link === undefined || member.state === 'starting' || member.state === 'ending') continue;
      // What the kernel says, where it does: a process that is busy does not note its memory.
      const known = this.context === 'process' ? memoryOf(member.pid) : 0;
      const bytes = known > 0 ? known - link.keptBytes : link.memoryMiB * 2 ** 20;
      if (bytes > limit * 2 && this.context === 'process')
        this.engine.killForMemory(
          member,
          `Its memory was ${inMB(bytes)}, more than twice the limit (maxMemoryPerWorker) of ${inMB(limit)}.`,
        );
      else if (bytes > limit && member.state === 'ready') this.engine.recycle(member, 'memory');
    }
  }

  memoryOf(member: Member): number {
    return (this.#links.get(member.id)?.memoryMiB ?? 0) * 2 ** 20;
  }

  /** Why this thread must not be blocked for a result of this pool, now that nothing is left to be called. */
  get obstacle(): Error | undefined {
    if (this.context !== 'inline') return undefined;
    const isSimulated = this.#options.clock !== undefined;
    if (!isSimulated && ![...this.#inline.values()].some(({ isAwaiting }) => isAwaiting)) return undefined;
    const why = isSimulated
      ? 'a pool with a virtual clock waits for its `pass`'
      : 'a pool without workers runs its tasks in this thread, and this one is asynchronous';
    return new BlockingError(`Cannot block here: ${why}. Await the result.`);
  }

  unfinished(): Unfinished {
    const { engine } = this;
    const { open, running } = engine.progress();
    // Every job of a pool is a call of it.
    const call = engine.unfinished()?.terms as Call | undefined;
    const site = call === undefined ? undefined : shortSite(call.site);
    const place = site === undefined ? '' : ` at ${site}`;
    return {
      running,
      waiting: open - running,
      call: call === undefined ? undefined : `${call.method}(${call.name})${place}`,
    };
  }

  interrupt(error: Error): void {
    this.#events.broken(error);
    this.engine.terminate(error);
  }

  suspend(suspended: boolean): void {
    for (const link of this.#links.values()) link.suspend(suspended);
  }

  /** Whoever hears of the program's end after us gets no more work done. */
  destroy(): void {
    this.#destroyLinks();
    this.engine.close();
  }

  /** Ends all workers at once and reports nothing. */
  #destroyLinks(): void {
    for (const link of this.#links.values()) link.destroy();
    this.#links.clear();
  }
}
