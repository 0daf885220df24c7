import { initializerFailures, restartDelayMs } from '../limits.ts';

/** The restart policy, in OTP's words. */
export interface RestartPolicy {
  /** Deaths of workers that had finished nothing, within the period, that a pool endures. */
  readonly intensity: number;
  readonly periodMs: number;
}

export type Verdict =
  | { readonly restart: true; readonly delayMs: number }
  /** Stop restarting: this many in a row died in the same way. */
  | { readonly restart: false; readonly deaths: number };

/** Says after each death whether and when a worker is started in its place. A finished task wipes the slate clean. */
export class RestartBudget {
  readonly #policy: RestartPolicy;
  #unproductive: number[] = [];
  #bootErrors = 0;

  constructor(policy: RestartPolicy) {
    this.#policy = policy;
  }

  /** A worker came up. */
  booted(): void {
    this.#bootErrors = 0;
  }

  /** A worker finished a task. */
  productive(): void {
    if (this.#unproductive.length > 0) this.#unproductive = [];
  }

  /** A worker died. `bootError`: its own code made it fail to start; trying again and again would not help. */
  died(now: number, death: { readonly productive: boolean; readonly bootError: boolean }): Verdict {
    if (death.bootError) {
      this.#bootErrors++;
      if (this.#bootErrors >= initializerFailures) return { restart: false, deaths: this.#bootErrors };
    }
    if (death.productive) return { restart: true, delayMs: 0 };
    this.#unproductive = this.#unproductive.filter((at) => at > now - this.#policy.periodMs);
    this.#unproductive.push(now);
    const deaths = this.#unproductive.length;
    if (deaths > this.#policy.intensity) return { restart: false, deaths };
    // The first two are replaced at once: a single kill from outside must not cost time.
    const doublings = deaths - 3;
    const delayMs = doublings < 0 ? 0 : Math.min(restartDelayMs.last, restartDelayMs.first * 2 ** doublings);
    return { restart: true, delayMs };
  }
}
