import { ArgumentTypeError } from '../../errors.ts';
import { isThenable } from '../../thenable.ts';
import type { Call } from './call.ts';

/** A place that holds a value; `version` changes when anybody writes to it. */
export interface Slot {
  read(): unknown;
  write(value: unknown): void;
  version(): number;
}

/** What a client may have run here; undefined where no code is taken. */
export interface Code {
  /** The function that a client has sent; a promise when modules have to be loaded for it. */
  functionOf(value: unknown): Callback | Promise<Callback>;
  /** A stored value as code of the user's sees it: instances and proxies in place of what stands for them. */
  reveal(value: unknown): unknown;
  /** The contrary: a value of the user's as it is stored. */
  conceal(value: unknown): unknown;
}

export type Callback = (...args: unknown[]) => unknown;

/** The client's function. @throws ArgumentTypeError where code is not allowed. */
export function callbackOf(call: Call, value: unknown): Callback | Promise<Callback> {
  if (call.code === undefined) throw new ArgumentTypeError('Functions are not taken by this server.');
  return call.code.functionOf(value);
}

/** Puts what the function makes of the value in its place: in one step, or again when somebody else was faster. */
export function updateSlot(call: Call, slot: Slot, fn: unknown): unknown {
  const callback = callbackOf(call, fn);
  if (callback instanceof Promise) return callback.then((loaded) => update(call.code!, slot, loaded));
  return update(call.code!, slot, callback);
}

function update(code: Code, slot: Slot, callback: Callback): unknown {
  const old = code.reveal(slot.read());
  const next = isThenable(old) ? applyLater(callback, old) : callback(old);
  // Nobody else has had a turn since the value was read.
  if (isThenable(next)) return updateLater(code, slot, callback, next, slot.version());
  slot.write(code.conceal(next));
  return next;
}

async function applyLater(callback: Callback, value: PromiseLike<unknown>): Promise<unknown> {
  return callback(await value);
}

async function updateLater(
  code: Code,
  slot: Slot,
  callback: Callback,
  first: PromiseLike<unknown>,
  readAt: number,
): Promise<unknown> {
  let version = readAt;
  let next = await first;
  while (slot.version() !== version) {
    version = slot.version();
    next = await callback(await code.reveal(slot.read()));
  }
  slot.write(code.conceal(next));
  return next;
}

/** A number in a slot plus another; both of one kind. */
export function increase(old: unknown, by: unknown): number | bigint {
  const base = old ?? (typeof by === 'bigint' ? 0n : 0);
  if (typeof base === 'bigint' && typeof by === 'bigint') return base + by;
  if (typeof base === 'number' && typeof by === 'number') return base + by;
  throw new ArgumentTypeError(`Cannot add ${typeof by} to ${typeof base}: expected two numbers or two bigints.`);
}
