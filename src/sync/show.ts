import { inspect } from 'node:util';
import { isMainThread, threadId } from 'node:worker_threads';
import { own } from '../worker/process-info.ts';
import type { Place } from './shared-object.ts';

/** What `console.log` shows of the instances of a class: `<Semaphore(value=3)>`. */
export function showsAs<T extends object>(
  constructor: abstract new (...args: never[]) => T,
  text: (value: T) => string,
): void {
  Object.defineProperty(constructor.prototype, inspect.custom, {
    value(this: T): string {
      return `<${this.constructor.name}${text(this)}>`;
    },
  });
}

/** Who has a lock, in Python's words. */
export function nameOf(owner: number, { parties }: Place): string {
  if (owner === 0) return 'None';
  if (owner === parties.me) {
    const name = own.info?.name ?? 'MainProcess';
    return isMainThread ? name : `${name}|Thread-${threadId}`;
  }
  return parties.isHere(owner) ? 'SomeOtherThread' : 'SomeOtherProcess';
}
