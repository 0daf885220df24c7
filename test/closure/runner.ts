import { Pool } from 'manycore';

/** Runs functions in one worker. The only file that knows how: cases get `run`. */
export interface Runner {
  run(fn: (...args: never[]) => unknown, ...args: unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

export type Kind = 'thread' | 'process';

export function createRunner(kind: Kind): Runner {
  const pool = new Pool(1, { context: kind });
  return {
    run: async (fn, ...args) => pool.apply(fn as (...args: unknown[]) => unknown, args),
    close: async () => pool.terminate(),
  };
}
