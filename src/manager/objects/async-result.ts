import type { AsyncResult } from '../../pool/async-result.ts';
import { type Call, checkDelay } from './call.ts';
import type { Code } from './slot.ts';

/** The result of a pool's task: it stays here until somebody asks for it. */
export class AsyncResultObject {
  readonly #result: AsyncResult<unknown>;
  readonly #code: Code;

  constructor(result: AsyncResult<unknown>, code: Code) {
    this.#result = result;
    this.#code = code;
    // Whoever asks is told.
    result.catch(() => undefined);
  }

  async get(call: Call, timeout?: unknown): Promise<unknown> {
    return this.#code.conceal(await givenUpBy(call, this.#result.get(within(timeout))));
  }

  /** Whether it is there in time, failed or not. */
  wait(call: Call, timeout?: unknown): Promise<boolean> {
    return givenUpBy(call, this.#result.wait(within(timeout)));
  }

  ready(): boolean {
    return this.#result.ready();
  }

  successful(): boolean {
    return this.#result.successful();
  }

  toString(): string {
    return `AsyncResult(${this.#result.ready() ? 'ready' : 'pending'})`;
  }
}

function within(timeout: unknown): { readonly timeout?: number } {
  const timeoutMs = checkDelay(timeout);
  return timeoutMs === undefined ? {} : { timeout: timeoutMs };
}

/** The task goes on when nobody waits for it any more. */
function givenUpBy<T>(call: Call, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    call.onGiveUp = reject;
    promise.then(resolve, reject);
  });
}
