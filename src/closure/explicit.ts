import { ArgumentTypeError } from '../errors.ts';
import type { Callable } from './registry.ts';

const given = new WeakMap<object, Readonly<Record<string, unknown>>>();

/**
 * Says which variables a function takes along, for where Node's inspector is not available to find them
 * (the permission model, `--without-inspector`, other runtimes). Returns the function.
 *
 * @example
 * ```ts
 * import { capture } from 'manycore';
 * const factor = 3;
 * const triple = capture((x: number) => x * factor, { captured: { factor } });
 * ```
 */
export function capture<F extends (...args: never[]) => unknown>(
  fn: F,
  options: { captured: Readonly<Record<string, unknown>> },
): F {
  if (typeof fn !== 'function')
    throw new ArgumentTypeError(`capture() takes a function, not ${fn === null ? 'null' : typeof fn}.`);
  given.set(fn, { ...options.captured });
  return fn;
}

/** What was given for a function, as the scopes in which its variables are looked up. */
export function explicitOf(fn: Callable): Readonly<Record<string, unknown>> | undefined {
  return given.get(fn);
}
