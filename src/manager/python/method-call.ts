import { AbortError } from '../../errors.ts';
import { pythonSliceMs } from '../../limits.ts';
import { checkDelay } from '../objects/call.ts';
import type { PythonAccess } from './access.ts';
import { isRaised } from './errors.ts';
import type { Lane } from './lane.ts';
import type { PythonReference } from './reference.ts';

/** Asks the object on some connection. */
export type Ask = (method: string, ...args: readonly unknown[]) => Promise<unknown>;

/** What was waited for has not come yet. */
export const notYet: unique symbol = Symbol('not yet');

/** One call of a proxy's method, and what it can be made of. */
export class MethodCall {
  readonly reference: PythonReference;
  readonly #access: PythonAccess;
  readonly #signal: AbortSignal | undefined;

  constructor(access: PythonAccess, reference: PythonReference, signal: AbortSignal | undefined) {
    this.#access = access;
    this.reference = reference;
    this.#signal = signal;
  }

  /** In its turn, which must not wait for anything. */
  readonly ask: Ask = (method, ...args) => this.#access.request(this.reference, method, args);

  /** The same, with arguments by name. */
  askNamed(method: string, named: object): Promise<unknown> {
    return this.#access.request(this.reference, method, [], named);
  }

  /** On a connection of its own, for as long as it takes. */
  async askAside(method: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.aside((ask) => ask(method, ...args));
  }

  async aside<T>(body: (ask: Ask) => Promise<T>): Promise<T> {
    const lane = await this.take();
    try {
      return await body(this.on(lane));
    } finally {
      this.giveBack(lane);
    }
  }

  take(): Promise<Lane> {
    this.checkSignal();
    return this.#access.take();
  }

  giveBack(lane: Lane): void {
    this.#access.giveBack(lane);
  }

  on(lane: Lane): Ask {
    return (method, ...args) => this.#access.requestOn(lane, this.reference, method, args);
  }

  checkSignal(): void {
    if (this.#signal?.aborted !== true) return;
    throw new AbortError('The call was given up: its signal was aborted.', { cause: this.#signal.reason });
  }

  /**
   * Tries again and again until something comes of it, or `timeout` milliseconds are over. `attempt` is told how many seconds it
   * may wait; it is never abandoned while it does, so that nothing is got that nobody gets.
   */
  async retry<T>(
    timeout: unknown,
    attempt: (seconds: number) => Promise<T | typeof notYet>,
  ): Promise<T | typeof notYet> {
    const end = performance.now() + (checkDelay(timeout) ?? Infinity);
    for (;;) {
      this.checkSignal();
      const leftMs = Math.max(0, end - performance.now());
      const outcome = await attempt(Math.min(leftMs, pythonSliceMs) / 1_000);
      if (outcome !== notYet || leftMs === 0) return outcome;
    }
  }

  /** Tries at once, in its turn; then on other connections. */
  async wait<T>(
    timeout: unknown,
    attempt: (ask: Ask, seconds: number) => Promise<T | typeof notYet>,
  ): Promise<T | typeof notYet> {
    this.checkSignal();
    const first = await attempt(this.ask, 0);
    if (first !== notYet || timeout === 0) return first;
    return this.retry(timeout, (seconds) => this.aside((ask) => attempt(ask, seconds)));
  }

  /** What cannot be asked for again: it is given up here alone. `late` when it does not come within `timeout`. */
  async outlast<T>(timeout: unknown, late: T, method: string): Promise<T> {
    const timeoutMs = checkDelay(timeout);
    const lane = await this.take();
    let leave: (() => void) | undefined;
    const left = new Promise<typeof notYet>((resolve, reject) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => resolve(notYet), timeoutMs);
      const abort = (): void => {
        try {
          this.checkSignal();
        } catch (error) {
          reject(error);
        }
      };
      this.#signal?.addEventListener('abort', abort, { once: true });
      leave = () => {
        clearTimeout(timer);
        this.#signal?.removeEventListener('abort', abort);
      };
    });
    const asked = this.on(lane)(method).then((value) => value as T);
    try {
      const outcome = await Promise.race([asked, left]);
      return outcome === notYet ? late : outcome;
    } finally {
      leave?.();
      // The connection is free when its thread is.
      asked
        .catch(() => undefined)
        .finally(() => this.giveBack(lane))
        .catch(() => undefined);
    }
  }
}

/** What a promise gives, or `notYet` when one of these exceptions was raised. */
export async function unlessRaised<T>(promise: Promise<T>, ...names: readonly string[]): Promise<T | typeof notYet> {
  try {
    return await promise;
  } catch (error) {
    if (isRaised(error, ...names)) return notYet;
    throw error;
  }
}
