import { BlockingError } from '../errors.ts';
import { blockedPollMs, blockedSliceMs } from '../limits.ts';
import { monotonicMs } from '../monotonic.ts';
import { loadNative, type Watched } from '../native.ts';
import { programEnd } from '../program/index.ts';
import { heard, setBlocked, sleep } from './bell.ts';
import { endDelivery, isDelivering } from './delivery.ts';
import { nextDueMs, runDue } from './later.ts';
import { impediment, noteBlocked } from './state.ts';

/** The host's end of a worker, as a blocked thread sees it. */
export interface Source {
  /** Takes in what has come and sends what can leave, without waiting. `ready` says of descriptors whether there is anything. */
  pump(ready: Ready): void;
  /** The descriptors by which it can be woken; undefined: it rings the bell. */
  watched(): readonly Watched[] | undefined;
  /** It expects something that wakes nobody, such as an exit: look again soon. */
  readonly expectant: boolean;
}

/** Which descriptors can be read from or written to. */
export interface Ready {
  has(fd: number): boolean;
}

/** To be tried: without the system's call there is no other way to know. */
const anything: Ready = { has: () => true };
const nothing: Ready = { has: () => false };

const sources = new Set<Source>();

/** From now on a blocked thread goes on with this worker. The function returned ends that. */
export function openSource(source: Source): () => void {
  sources.add(source);
  return () => void sources.delete(source);
}

/**
 * Blocks this thread until `isDone`, or until `timeoutMs` are over; returns which. All workers of this thread are served meanwhile.
 *
 * @param why - Asked before each sleep: why it would be in vain.
 * @throws BlockingError where the thread cannot be blocked, or where nothing can ever come.
 */
export function blockUntil(
  isDone: () => boolean,
  timeoutMs: number = Infinity,
  why?: () => Error | undefined,
): boolean {
  if (isDone()) return true;
  if (isDelivering())
    throw new BlockingError(
      'Cannot block in a callback: results come to callbacks one after the other. Await there, or block where the call was made.',
    );
  if (programEnd.exiting) throw new BlockingError('Cannot block: the program ends, and its workers have.');
  const endMs = monotonicMs() + timeoutMs;
  const outer = noteBlocked(true);
  setBlocked(true);
  resetLater();
  try {
    return programEnd.undisturbed(() => serve(isDone, endMs, why));
  } finally {
    noteBlocked(outer);
    setBlocked(outer);
  }
}

let resetting = false;

/** Ctrl-C in the REPL ends what runs past any `finally`: what that leaves is put right when the event loop comes round. */
function resetLater(): void {
  if (resetting) return;
  resetting = true;
  setImmediate(() => {
    resetting = false;
    noteBlocked(false);
    setBlocked(false);
    endDelivery();
  });
}

function serve(isDone: () => boolean, endMs: number, why: (() => Error | undefined) | undefined): boolean {
  let ready = rest(heard(), 0);
  for (;;) {
    // Before the look, so that what comes after it rings.
    const rung = heard();
    runDue();
    for (const source of sources) source.pump(ready);
    if (isDone()) return true;
    const now = monotonicMs();
    if (now >= endMs) return false;
    const dueMs = nextDueMs();
    const error = impediment() ?? (dueMs > now ? why?.() : undefined);
    if (error !== undefined) throw error;
    if (sources.size === 0 && dueMs === Infinity)
      throw new BlockingError(
        'Cannot block: nothing that goes on while this thread is blocked can bring the result. Await it.',
      );
    ready = rest(rung, Math.max(0, Math.min(endMs, dueMs) - now));
  }
}

/** Sleeps until a worker has something, at most for `ms`, and never so long that an end which wakes nobody would go unnoticed. */
function rest(rung: number, ms: number): Ready {
  const watched: Watched[] = [];
  let limitMs = Math.min(ms, blockedSliceMs);
  let rings = false;
  for (const source of sources) {
    const descriptors = source.watched();
    if (descriptors === undefined) rings = true;
    else watched.push(...descriptors);
    if (source.expectant) limitMs = Math.min(limitMs, blockedPollMs);
  }
  if (watched.length === 0) {
    if (limitMs > 0) sleep(rung, limitMs);
    return nothing;
  }
  const native = loadNative();
  // There is no way to wait for both, nor for descriptors without the system's call.
  if (rings || native === undefined) limitMs = Math.min(limitMs, blockedPollMs);
  if (native !== undefined) return native.poll(watched, Math.ceil(limitMs));
  if (limitMs > 0) sleep(rung, limitMs);
  return anything;
}
