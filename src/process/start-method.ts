import { ArgumentRangeError, ProcessStateError } from '../errors.ts';
import { own } from '../worker/process-info.ts';

/** The two kinds of process. */
export type Kind = 'process' | 'thread';
/** Python's word `spawn` is accepted for `process`. */
export type StartMethod = Kind | 'spawn';

const methods: readonly Kind[] = ['process', 'thread'];
let chosen: Kind | undefined;

/** The kind that a word stands for; without one, the default, which is fixed by that. */
export function kindOf(method: StartMethod | undefined): Kind {
  if (method === undefined) return getStartMethod();
  if (method === 'spawn') return 'process';
  if (methods.includes(method)) return method;
  const fork = String(method).startsWith('fork')
    ? " Node cannot fork; a process of 'process' is a fresh one, and any function can be sent to it."
    : '';
  throw new ArgumentRangeError(
    `Cannot find the context ${JSON.stringify(method)}: expected 'process' or 'thread'.${fork}`,
  );
}

/** The kinds of process that there are, the default first. Python: `get_all_start_methods`. */
export function getAllStartMethods(): Kind[] {
  return [...methods];
}

/**
 * Chooses what a `Process` without a `context` is. Once only, and before the first one is made. Python: `set_start_method`.
 *
 * @throws ProcessStateError when it was chosen before; `{ force: true }` chooses anew, and `undefined` with it un-chooses.
 */
export function setStartMethod(method: StartMethod | undefined, options: { readonly force?: boolean } = {}): void {
  if (chosen !== undefined && options.force !== true)
    throw new ProcessStateError(
      `Cannot set the start method: it is ${JSON.stringify(chosen)} already. Set it before the first Process, or with { force: true }.`,
    );
  chosen = method === undefined ? undefined : kindOf(method);
}

/** What a `Process` without a `context` is: what was chosen, in a child what it is itself, else `process`. Python: `get_start_method`. */
export function getStartMethod(options: { readonly allowNone: true }): Kind | undefined;
export function getStartMethod(options?: { readonly allowNone?: false }): Kind;
export function getStartMethod(options: { readonly allowNone?: boolean } = {}): Kind | undefined {
  if (chosen === undefined && options.allowNone !== true) chosen = own.info?.kind ?? 'process';
  return chosen;
}
