/** What a child that is a Process knows of itself. */
export interface ProcessInfo {
  readonly name: string;
  readonly daemon: boolean;
  readonly kind: 'process' | 'thread';
  /** Its number among its creator's children, behind those of its ancestors. */
  readonly identity: readonly number[];
  readonly authKey: Uint8Array;
  readonly parent: { readonly pid: number; readonly name: string };
  readonly nice: number | undefined;
  readonly cpus: readonly number[] | undefined;
}

export type Target = (...args: unknown[]) => unknown;

/** What it is to run: a target with its arguments, or an instance of a subclass that has a `run`. */
export interface ProcessJob {
  readonly self: { run(): unknown } | undefined;
  readonly target: Target | undefined;
  readonly args: readonly unknown[];
}

interface Holder {
  info: ProcessInfo | undefined;
  job: ProcessJob | undefined;
}

// A worker runs a bundle of its own, and the user's code in it loads the package once more: both must see one state.
const key: unique symbol = Symbol.for('manycore.process') as never;
const holder = globalThis as { [key]?: Holder };
/** Of the child that this thread is; empty in the main program and in the workers of pools. */
export const own: Holder = (holder[key] ??= { info: undefined, job: undefined });
