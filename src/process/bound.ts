import type { NeededArgs } from '../arguments.ts';
import { Pool } from '../pool/pool.ts';
import type { PoolOptions } from '../pool/options.ts';
import type { ProcessOptions } from './options.ts';
import { Process } from './process.ts';

// Exported by name, so that subclasses of them find them in a child.

/** A `Process` that is a process of its own, whatever the default is. */
export class SpawnProcess<Args extends readonly unknown[] | [] = readonly unknown[]> extends Process<Args> {
  constructor(options?: Omit<ProcessOptions<Args>, 'context'> & NeededArgs<Args, 'args'>) {
    // Whether arguments are needed was checked at the call.
    super({ ...options, context: 'process' } as never);
  }
}

/** A `Process` that is a thread. */
export class ThreadProcess<Args extends readonly unknown[] | [] = readonly unknown[]> extends Process<Args> {
  constructor(options?: Omit<ProcessOptions<Args>, 'context'> & NeededArgs<Args, 'args'>) {
    super({ ...options, context: 'thread' } as never);
  }
}

type Options<InitArgs extends readonly unknown[] | []> = Omit<PoolOptions<InitArgs>, 'context'>;

/** A pool of processes, whatever the default is. */
export class SpawnPool<InitArgs extends readonly unknown[] | [] = readonly unknown[]> extends Pool<InitArgs> {
  constructor(
    workers: number,
    options?: Omit<Options<InitArgs>, 'workers' | 'min' | 'max'> & NeededArgs<InitArgs, 'initArgs'>,
  );
  constructor(options?: Options<InitArgs> & NeededArgs<InitArgs, 'initArgs'>);
  constructor(first?: number | Options<InitArgs>, second?: Options<InitArgs>) {
    const context = 'process';
    if (typeof first === 'number') super(first, { ...second, context } as never);
    else super({ ...first, context } as never);
  }
}
