import { checkKeys } from '../arguments.ts';
import { ringBytes } from '../limits.ts';
import { Connection } from './connection.ts';
import { SharedRing } from './shared-ring.ts';

/** What a pipe is like. */
export interface PipeOptions {
  /** Whether both ends send and receive. Default true. */
  readonly duplex?: boolean;
}

const size = { capacity: ringBytes.pipe, limit: ringBytes.pipe / 16 - 1 };

/**
 * Two connected ends, one for each of two processes or threads. Python: `multiprocessing.Pipe`.
 *
 * @param options - `duplex: false`: the first end only receives, the second only sends.
 * @throws SharedMemoryError where shared memory cannot be had.
 * @example
 * ```ts
 * import { type Connection, Pipe, Process } from 'manycore';
 * const [here, there] = Pipe<string>();
 * const p = new Process({ target: async (end: Connection<string>) => end.send('hello'), args: [there] }).start();
 * console.log(await here.recv()); // hello
 * await p.join();
 * ```
 */
export function Pipe<A = unknown, B = A>(options: PipeOptions | boolean = {}): [Connection<A, B>, Connection<B, A>] {
  const given: PipeOptions = typeof options === 'boolean' ? { duplex: options } : options;
  checkKeys('Pipe', given, ['duplex']);
  const to = SharedRing.create(size);
  const back = given.duplex === false ? undefined : SharedRing.create(size);
  return [Connection.over(to, back), Connection.over(back, to)] as [Connection<A, B>, Connection<B, A>];
}
