import { retryBackoffMs } from '../limits.ts';
import type { Failure, Terms } from '../engine/task.ts';
import { explain, type Place } from './explain-failure.ts';
import { checkTimeout } from '../arguments.ts';
import { type RetryOptions } from './options.ts';

export interface RetryTerms extends Pick<Terms, 'retries' | 'retryDelayMs'> {
  readonly shouldRetry: RetryOptions['shouldRetry'];
}

export function retryTerms(retries: number | RetryOptions = 0): RetryTerms {
  if (typeof retries === 'number') return { retries, retryDelayMs: undefined, shouldRetry: undefined };
  const { limit, delay = 0, backoffLimit = retryBackoffMs, shouldRetry } = retries;
  const delayAfter = typeof delay === 'function' ? delay : (attempt: number) => delay * 2 ** (attempt - 1);
  const retryDelayMs = (attempt: number): number => {
    const ms = Math.min(delayAfter(attempt), backoffLimit);
    checkTimeout(ms, 'retries.delay');
    return ms;
  };
  return { retries: limit, retryDelayMs: delay === 0 ? undefined : retryDelayMs, shouldRetry };
}

/** Whether a failed task of a call is to be tried again, as far as its caller decides. */
export function wantsRetry(failure: Failure, place: Place): boolean {
  const { shouldRetry } = place.call;
  if (shouldRetry === undefined) return failure.kind === 'lost';
  return 'attempt' in failure && shouldRetry(explain(failure, place), failure.attempt);
}
