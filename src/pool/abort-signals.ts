import { afterTick } from '../blocking/later.ts';

/** Who waits for each signal. One listener serves all calls of a signal: Node warns of a leak from the eleventh on. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `action` once when the signal is aborted, soon when it is already. Returns how to stop waiting. */
export function whenAborted(signal: AbortSignal, action: () => void): () => void {
  if (signal.aborted) {
    afterTick(action);
    return () => undefined;
  }
  const actions = waiting.get(signal) ?? new Set();
  waiting.set(signal, actions);
  if (actions.size === 0) signal.addEventListener('abort', runAll, { once: true });
  // Of its own, as one function may wait for two calls.
  const entry = (): void => action();
  actions.add(entry);
  return () => {
    if (actions.delete(entry) && actions.size === 0) signal.removeEventListener('abort', runAll);
  };
}

function runAll(this: AbortSignal): void {
  const actions = waiting.get(this) ?? [];
  waiting.delete(this);
  for (const action of actions) action();
}
