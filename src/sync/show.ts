import { isMainThread, threadId } from 'node:worker_threads';
import { own } from '../worker/process-info.ts';
import type { Place } from './shared-object.ts';

/** Who has a lock, in Python's words. */
export function nameOf(owner: number, { parties }: Place): string {
  if (owner === 0) return 'None';
  if (owner === parties.me) {
    const name = own.info?.name ?? 'MainProcess';
    return isMainThread ? name : `${name}|Thread-${threadId}`;
  }
  return parties.isHere(owner) ? 'SomeOtherThread' : 'SomeOtherProcess';
}
