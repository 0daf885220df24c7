import type { FunctionHandle } from '../engine/functions.ts';
import type { WireTerms } from '../engine/link.ts';
import type { CallOptions } from './options.ts';

/** What all jobs of the surfaces have in common: the function, the options of the call, and where it was made. */
export interface Call extends WireTerms {
  readonly method: string;
  readonly name: string;
  readonly signal: AbortSignal | undefined;
  /** The stack at the call, from the user's line on. */
  readonly site: string;
}

export function newCall(
  method: string,
  fn: FunctionHandle,
  spread: boolean,
  options: CallOptions & { readonly chunkSize?: number | undefined },
  site: string,
): Call {
  return {
    method,
    name: options.name ?? fn.name,
    fn,
    timing: fn.timing,
    spread,
    timeoutMs: options.timeout === undefined || options.timeout === Infinity ? undefined : options.timeout,
    retries: options.retries ?? 0,
    priority: options.priority ?? 0,
    chunkSize: options.chunkSize,
    pinned: undefined,
    signal: options.signal,
    site,
  };
}
