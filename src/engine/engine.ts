import { PoolClosedError } from '../errors.ts';
import { Agenda, type Limit, type Parked } from './agenda.ts';
import { Crew } from './crew.ts';
import { Deadlines, type Overdue } from './deadlines.ts';
import type { EngineOptions, EngineState } from './events.ts';
import { Dispatcher } from './dispatcher.ts';
import { Holdings } from './holdings.ts';
import { brokenError, takeEverything, takeHeld } from './loss.ts';
import { awaitsOne, removePinned, timesOf, type Member, type WorkerTimes } from './member.ts';
import { Outcomes } from './outcomes.ts';
import { ReadyQueue } from './ready-queue.ts';
import { Slowest } from './slowest.ts';
import type { Failure, Job, Lease, Link, Segment, WorkerExit } from './task.ts';
import { Withdrawals } from './withdrawals.ts';

/**
 * The state machine: jobs in, outcomes out, each item's exactly once. It knows workers by their links and time by its
 * clock, so that the same code runs for real and in simulation.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #queue: ReadyQueue = new ReadyQueue();
  readonly #crew: Crew;
  readonly #dispatcher: Dispatcher;
  readonly #deadlines: Deadlines;
  readonly #withdrawals: Withdrawals;
  readonly #agenda: Agenda;
  readonly #outcomes: Outcomes;
  readonly #holdings: Holdings;
  readonly slowest: Slowest = new Slowest();
  #state: EngineState = 'running';
  /** Why no more work is taken, when the pool broke. */
  #broken: Error | undefined;
  /** What items fail with that come after `terminate`. */
  #endError: Error | undefined;
  #holds = 0;
  #busy = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#crew = new Crew(options, options.clock, {
      start: (...member) => this.#startMember(...member),
      waiting: () => this.#queue.length,
      outgoing: (member) => this.#dispatcher.takeBack(member),
      dispatch: () => this.dispatch(),
      broken: (deaths, last) => this.#break(deaths, last),
    });
    this.#dispatcher = new Dispatcher({
      queue: this.#queue,
      members: this.#crew.members,
      clock: options.clock,
      size: this.#crew.options,
      concurrency: options.concurrency,
      refuse: (job, index, attempt, error) => this.#outcomes.fail(job, index, { kind: 'unsendable', error, attempt }),
      sent: (member, lease) => this.#sent(member, lease),
      returned: (member) => this.#crew.settle(member),
      canGrow: () => this.#crew.canGrow,
      dispatch: () => this.dispatch(),
    });
    this.#deadlines = new Deadlines(options.clock, (...overdue) => this.#expired(...overdue));
    this.#agenda = new Agenda(options.clock, {
      late: (limits) => this.#late(limits),
      again: (items) => this.#again(items),
    });
    this.#holdings = new Holdings(this.#queue, this.#agenda, this.#crew.members);
    this.#outcomes = new Outcomes({
      queue: this.#queue,
      agenda: this.#agenda,
      over: () => (this.#isOver ? this.#ending : undefined),
      productive: (member, count) => this.#crew.productive(member, count),
    });
    this.#withdrawals = new Withdrawals({
      queue: this.#queue,
      agenda: this.#agenda,
      crew: this.#crew,
      dispatcher: this.#dispatcher,
      fail: (job, index, failure) => this.#outcomes.fail(job, index, failure),
    });
  }

  get state(): EngineState {
    return this.#state;
  }

  get counts(): Readonly<Outcomes['counts']> {
    return this.#outcomes.counts;
  }

  get broken(): Error | undefined {
    return this.#broken;
  }

  /** How many workers there may be now. */
  get max(): number {
    return this.#crew.options.max;
  }

  get members(): ReadonlySet<Member> {
    return this.#crew.members;
  }

  get waiting(): number {
    return this.#holdings.waiting;
  }

  /** What a worker has spent its time with. */
  timesOf(member: Member): WorkerTimes {
    return timesOf(member, this.#options.clock.now());
  }

  /** Items that have no outcome, and how many of them run. */
  progress(): ReturnType<Holdings['progress']> {
    return this.#holdings.progress();
  }

  /** Items whose outcome somebody waits for. */
  get owed(): number {
    return this.#holdings.owed;
  }

  /** The earliest job that is not done. */
  unfinished(): Job | undefined {
    return this.#holdings.unfinished();
  }

  /** Starts the workers that a pool has at rest. */
  start(): void {
    while (this.#crew.alive < this.#crew.options.min) this.#crew.start();
  }

  /** Adds items of a job. Nothing is sent before `dispatch`, so that what is added together travels together. */
  add(job: Job, from: number, to: number): void {
    if (this.#isOver) return this.#outcomes.failAll(job, from, to, this.#ending);
    this.#queue.push(job, from, to, 1);
    this.#limit(job, from, to);
  }

  #limit(job: Job, from: number, to: number): void {
    const { queueTimeoutMs } = job.terms;
    if (queueTimeoutMs !== undefined)
      this.#agenda.limit(queueTimeoutMs, { job, from, to }, () => this.#holdings.awaiting());
  }

  /** Adds one item for each worker that takes work; `make` gets the worker's id. */
  pin(make: (workerId: number) => Job): void {
    for (const member of this.#crew.members) {
      if (member.state === 'ready' || member.state === 'starting') {
        const job = make(member.id);
        member.pinned.push({ job, from: 0, to: 1, attempt: 1 });
        this.#limit(job, 0, 1);
      }
    }
  }

  dispatch(): void {
    if (this.#dispatcher.defer(() => this.dispatch())) return;
    this.#dispatcher.dispatch();
    this.#crew.staff();
    if (this.#queue.length > 0) this.#dispatcher.dispatch();
    this.#checkBusy();
    this.#checkEnd();
  }

  /** Keeps a closing engine open while a surface still has input to add. */
  hold(): () => void {
    this.#holds++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds--;
      this.#checkBusy();
      this.#checkEnd();
    };
  }

  /**
   * Gives up a job: what has not begun never will. What runs is cancelled when there is a reason, and its worker is ended
   * if that is not heeded; without one it may finish, and its outcome is dropped.
   */
  withdraw(job: Job, reason: { readonly value: unknown } | undefined): void {
    if (this.#dispatcher.defer(() => this.withdraw(job, reason))) return;
    const failure = { kind: 'aborted', reason: reason?.value } as const;
    this.#outcomes.withdraw(job, failure);
    this.#withdrawals.job(job, failure, reason !== undefined);
    this.dispatch();
  }

  /**
   * Gives up one item, unless it has begun or has its outcome already; returns whether it did. With `force` an item that
   * runs goes too, and the worker with it. Nothing is sent anew before `dispatch`, so that many can be cancelled at once. While
   * arguments are encoded, nothing can be cancelled.
   */
  cancel(job: Job, index: number, force: boolean): boolean {
    return !this.#dispatcher.isEncoding && this.#withdrawals.item(job, index, force);
  }

  /** Gives up all that has not begun. */
  cancelWaiting(): void {
    if (this.#dispatcher.defer(() => this.cancelWaiting())) return;
    this.#withdrawals.waiting();
    this.dispatch();
  }

  /** Whether a worker is at this item now. */
  isRunning(job: Job, index: number): boolean {
    return this.#withdrawals.isRunning(job, index);
  }

  resize(min: number, max: number): void {
    Object.assign(this.#crew.options, { min, max });
    this.dispatch();
  }

  /** Replaces a worker: at once, if it begins nothing any more (`recycle`, with the cause), otherwise when its replacement is up. */
  recycle(member: Member, why: 'recycle' | 'memory', cause?: Error): void {
    if (why === 'recycle') {
      this.#dispatcher.takeBack(member);
      this.#crew.dismiss(member, cause);
    } else this.#crew.replace(member, why);
    this.dispatch();
  }

  /** Kills a worker that takes more memory than it may. Who loses a task by it is told `why`. */
  killForMemory(member: Member, why: string): void {
    member.killedFor = why;
    this.#crew.kill(member, 'memory');
  }

  /** Takes no more work; ends when all is done. */
  close(): void {
    if (this.#dispatcher.defer(() => this.close())) return;
    if (this.#state !== 'running') return;
    this.#state = 'closing';
    this.#crew.staffed = false;
    this.#checkBusy();
    this.#checkEnd();
  }

  /** Fails all that is not done and ends the workers now: politely (SIGTERM) first, or at once. */
  terminate(error: Error, force = false): void {
    if (this.#dispatcher.defer(() => this.terminate(error, force))) return;
    if (this.#isOver) return;
    this.#state = 'terminating';
    this.#endError = error;
    this.#crew.staffed = false;
    const left = takeEverything(this.#queue, this.#agenda, this.#crew.members);
    for (const member of this.#crew.members) this.#crew.kill(member, 'close', force);
    for (const { job, from, to } of left) this.#outcomes.failAll(job, from, to, { kind: 'ended', error });
    this.#checkBusy();
    this.#checkEnd();
  }

  /** What items fail with that come too late. */
  get #ending(): Failure {
    const error = this.#endError ?? new PoolClosedError('The pool was closed and takes no more work.');
    return { kind: 'ended', error };
  }

  /** Nothing is the engine's business any more. */
  get #isOver(): boolean {
    return this.#state === 'terminating' || this.#state === 'ended';
  }

  #startMember(make: (link: Link) => Member, id: number, seat: number): Member {
    // The link may report only from later events on, so `member` is set by then.
    const link = this.#options.start(
      id,
      {
        ready: (pid, initializerMs) => {
          this.#crew.booted(member, pid, initializerMs);
          this.dispatch();
        },
        succeeded: (sequence, values) => this.#outcomes.succeeded(member, sequence, values),
        failed: (sequence, error, kind) => this.#outcomes.failed(member, sequence, error, kind),
        took: (sequence, count, ms) => this.#took(member, sequence, count, ms),
        progressed: (sequence, done, total) => this.#progressed(member, sequence, done, total),
        settled: () => {
          this.#crew.settle(member);
          this.dispatch();
        },
        exited: (exit) => this.#exited(member, exit),
      },
      seat,
    );
    const member = make(link);
    return member;
  }

  #sent(member: Member, lease: Lease): void {
    if (lease.job.terms.timeoutMs !== undefined) this.#deadlines.watch(member, lease.job.terms.timeoutMs);
    if (member.tasksLeft <= 0) this.#crew.retire(member, 'recycle');
    else if (member.tasksLeft < Infinity) this.#crew.expectEnd(member, lease.job.terms);
  }

  #progressed(member: Member, sequence: number, done: number, total: number | undefined): void {
    if (this.#isOver) return;
    // What a task left behind may go on reporting when the task has its outcome.
    const lease = member.leases.holding(sequence);
    if (lease !== undefined && lease.abandoned?.has(sequence) !== true)
      lease.job.progressed(lease.from + sequence - lease.sequence, done, total);
  }

  #took(member: Member, sequence: number, count: number, ms: number): void {
    if (this.#isOver) return;
    const { job, from, sequence: first } = member.leases.find(sequence);
    if (!job.terms.timing.learn(count, ms)) return;
    member.workedMs += ms;
    if (ms > this.slowest.leastMs) this.slowest.add(job, from + sequence - first, count, ms, member.id);
  }

  #expired(member: Member, overdue: readonly Overdue[]): void {
    for (const { lease, sequence } of overdue) member.leases.abandon(lease, sequence);
    this.#dispatcher.takeBack(member);
    for (const { lease, sequence } of overdue) this.#withdrawals.stop(member, lease, [sequence], 'timeout');
    for (const { lease, sequence, ranMs } of overdue) {
      const { job, attempt, moved } = lease;
      const index = lease.from + sequence - lease.sequence;
      this.#outcomes.failOrRetry(job, index, { kind: 'timeout', attempt, ranMs }, moved);
    }
    this.dispatch();
  }

  /** Fails what has waited too long: it may have been sent, but not begun. */
  #late(limits: readonly Limit[]): void {
    const jobs = new Set(limits.map(({ job }) => job));
    for (const member of this.#crew.members) if (awaitsOne(member, jobs)) this.#dispatcher.takeBack(member);
    const late: Pick<Segment, 'job' | 'from' | 'to'>[] = [];
    for (const { job, from, to } of limits) {
      late.push(...this.#queue.removeUntried(job, from, to));
      for (const member of this.#crew.members) {
        late.push(...removePinned(member, job));
        this.#crew.settle(member);
      }
    }
    for (const { job, from, to } of late) this.#outcomes.failAll(job, from, to, { kind: 'late' });
    this.dispatch();
  }

  /** Items whose next attempt may begin. */
  #again(items: readonly Parked[]): void {
    for (const { job, index, attempt } of items) this.#queue.push(job, index, index + 1, attempt);
    this.dispatch();
  }

  /** Sorts what a dead worker held: not begun goes back into the queue, begun is lost, unless it may be tried again. */
  #exited(member: Member, exit: WorkerExit): void {
    // First of all it gets no more work: surfaces that hear of a loss below may come back here.
    member.state = 'ending';
    this.#deadlines.forget(member);
    const { back, losses, over } = takeHeld(member, exit, (job, index) => this.#outcomes.died(job, index));
    for (const { job, index, attempt } of back.toReversed()) this.#queue.unshift(job, index, index + 1, attempt);
    for (const { job, index } of over) this.#agenda.attemptOver(job, index);
    this.#outcomes.counts.lost += losses.length;
    for (const { job, index, attempt, loss, deaths, moved } of losses) {
      if (deaths === undefined) this.#outcomes.failOrRetry(job, index, { kind: 'lost', loss, attempt }, moved);
      else this.#outcomes.fail(job, index, { kind: 'poison', loss, attempt, deaths });
    }
    this.#options.onExit?.(member, exit);
    this.#crew.left(member, exit);
    this.dispatch();
  }

  #break(deaths: number, last: WorkerExit): void {
    if (this.#isOver) return;
    this.#broken = brokenError(deaths, last);
    this.#options.onBroken?.(this.#broken);
    this.terminate(this.#broken);
  }

  #checkBusy(): void {
    // An ending pool is waited for; an idle one that is not asked to end must not keep the program alive.
    const ending = this.#state !== 'running' && this.#crew.members.size > 0;
    const busy = ending || this.waiting > 0 || this.#holdings.busy;
    if (!busy) this.#agenda.forgetLimits();
    if (busy === this.#busy) return;
    this.#busy = busy;
    this.#options.onBusy?.(busy);
  }

  #checkEnd(): void {
    if (this.#state === 'closing' && !this.#hasWork) {
      for (const member of this.#crew.members) this.#crew.retire(member, 'close');
    }
    const over = this.#state === 'terminating' || (this.#state === 'closing' && !this.#hasWork);
    if (!over || this.#crew.members.size > 0) return;
    this.#state = 'ended';
    this.#crew.stop();
    this.#dispatcher.stop();
    this.#agenda.forgetLimits();
    this.#checkBusy();
    this.#options.onEnded?.();
  }

  get #hasWork(): boolean {
    return this.#holds > 0 || this.#holdings.any;
  }
}
