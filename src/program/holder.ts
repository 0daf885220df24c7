/** What has workers and work for them, such as a pool: the program's end and its stops concern it. */
export interface Holder {
  /** What is not done. */
  unfinished(): Unfinished;
  /** Fails all that is not done with `error`, and ends the workers within a second. */
  interrupt(error: Error): void;
  /** The program stops (Ctrl-Z) or goes on; so do the workers. */
  suspend(suspended: boolean): void;
  /** The program ends this moment: so do the workers, and nothing is reported. */
  destroy(): void;
}

export interface Unfinished {
  readonly running: number;
  readonly waiting: number;
  /** The earliest call that is not done, such as `map(resize) at photos.ts:12:27`. */
  readonly call: string | undefined;
  /** The names of what runs that is no task of a call: Processes. */
  readonly processes?: readonly string[];
}

/** What was drawn on a terminal and must not be left so. */
export interface Screen {
  /** Leaves the terminal as it must be found if this is the end. */
  leave(): void;
  /** Node itself is about to write, past all hooks. */
  makeWay(): void;
}

/** Of a signal, or of another event of the process. */
export type Listener = (signal: NodeJS.Signals) => void;

/** The part of `process` that its end is noticed and made with; the tests have their own. */
export interface ProgramProcess {
  readonly pid: number;
  exitCode?: number | string | null | undefined;
  on(event: 'exit', listener: () => void): unknown;
  prependListener(event: string, listener: Listener): unknown;
  removeListener(event: string, listener: Listener): unknown;
  listenerCount(event: string): number;
  kill(pid: number, signal: NodeJS.Signals): unknown;
  exit(): void;
}
