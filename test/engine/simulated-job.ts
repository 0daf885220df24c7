import type { Failure, Job, Terms } from '#internal/engine/task.js';
import { poisonDeaths } from '#internal/limits.js';
import { SimulatedLink, type Act } from './simulated-link.ts';
import type { Simulation } from './simulation.ts';

/** The engine's side of a call, which notes all that happens to its items. */
export class SimulatedJob implements Job {
  readonly id: number;
  readonly terms: Terms;
  readonly firstTaskId: number;
  readonly acts: readonly Act[];
  readonly settled: (Failure | 'succeeded' | undefined)[] = [];
  readonly begun: { readonly link: SimulatedLink; readonly attempt: number; readonly atMs: number }[][] = [];
  /** When each item was added. */
  readonly addedMs: number[] = [];
  withdrawn = false;
  /** Items that were cancelled, and whether by force. */
  readonly cancelled = new Map<number, 'waiting' | 'forced'>();
  added = 0;
  readonly #simulation: Simulation;

  constructor(simulation: Simulation, id: number, terms: Terms, acts: readonly Act[]) {
    this.#simulation = simulation;
    this.id = id;
    this.firstTaskId = id * 1_000;
    this.terms = terms;
    this.acts = acts;
  }

  succeed(from: number, values: readonly unknown[]): void {
    values.forEach((value, i) => {
      const index = from + i;
      const act = this.acts[index];
      this.#settle(index, 'succeeded');
      if (act?.kind !== 'return' || act.value !== value)
        this.#simulation.violated(`item ${this.id}/${index} got the value ${String(value)}`);
      if (this.begun[index] === undefined)
        this.#simulation.violated(`item ${this.id}/${index} succeeded without having begun`);
    });
    this.#simulation.reenter(this);
  }

  fail(index: number, failure: Failure): void {
    this.#settle(index, failure);
    const wrong = this.#explain(index, failure);
    if (wrong !== undefined)
      this.#simulation.violated(`item ${this.id}/${index} failed with ${failure.kind}: ${wrong}`);
    this.#simulation.reenter(this);
  }

  progressed(): void {}

  #settle(index: number, how: Failure | 'succeeded'): void {
    if (this.settled[index] !== undefined) this.#simulation.violated(`item ${this.id}/${index} was settled twice`);
    this.settled[index] = how;
  }

  /** Why an item must not fail like this. */
  #explain(index: number, failure: Failure): string | undefined {
    const kind = this.acts[index]?.kind;
    const { retries, timeoutMs, queueTimeoutMs, pinned } = this.terms;
    if ('attempt' in failure && failure.attempt > Math.min(retries, poisonDeaths - 1) + 1) return 'too many attempts';
    switch (failure.kind) {
      case 'error':
        return kind === 'throw' ? undefined : 'it does not throw';
      case 'unsendable':
        return kind === 'unsendable' || this.#simulation.refusal(this, index) !== undefined
          ? undefined
          : 'it can be sent';
      case 'aborted':
        return this.withdrawn ? undefined : 'nobody withdrew it';
      case 'cancelled':
        return this.cancelled.has(index) ? undefined : 'nobody cancelled it';
      case 'ended':
        return this.#simulation.over ? undefined : 'nothing ended';
      case 'timeout':
        if (timeoutMs === undefined) return 'it has none';
        return failure.ranMs > timeoutMs - 1e-6 && this.#ranOn(index, failure.attempt) !== undefined
          ? undefined
          : 'too early';
      case 'late':
        if (queueTimeoutMs === undefined) return 'it has no limit';
        if (this.begun[index] !== undefined) return 'it had begun';
        return this.#simulation.timeline.now > this.addedMs[index]! + queueTimeoutMs - 1e-6 ? undefined : 'too early';
      case 'refused':
        return 'nothing refuses';
      case 'lost':
      case 'poison': {
        const link = this.#ranOn(index, failure.attempt);
        if (pinned !== undefined) {
          const its = this.#simulation.links.find(({ id }) => id === pinned);
          if (its?.endedInPeace === true && !its.stopped) return 'its worker ended in peace';
          return failure.loss.workerId === pinned ? undefined : 'it was pinned to another';
        }
        if (this.#simulation.hasMoved(this, index)) return failure.kind === 'lost' ? undefined : 'it was sent once';
        if (link === undefined) return `attempt ${failure.attempt} had not begun`;
        if (link.id !== failure.loss.workerId || link.state !== 'dead') return 'its worker lives';
        if (failure.kind === 'lost') return failure.attempt === retries + 1 ? undefined : 'it may be tried again';
        return failure.attempt === poisonDeaths ? undefined : 'it is no poison yet';
      }
    }
  }

  #ranOn(index: number, attempt: number): SimulatedLink | undefined {
    return this.begun[index]?.find((begin) => begin.attempt === attempt)?.link;
  }
}
