import type { Readable, Writable } from 'node:stream';
import { constants } from 'node:os';
import { ArgumentTypeError, ProcessStateError } from '../errors.ts';
import { killGraceMs } from '../limits.ts';
import { callSite } from '../pool/call-site.ts';
import { refused } from '../pool/explain-failure.ts';
import { type NeededArgs, show } from '../arguments.ts';
import { inspectAs } from '../inspection.ts';
import type { ProcessInfo, ProcessJob, Target } from '../worker/process-info.ts';
import { Child } from './child.ts';
import { adopt } from './family.ts';
import { checkDaemon, checkName, checkProcessOptions, type AnyOptions, type ProcessOptions } from './options.ts';
import { waitingOf } from '../waiting.ts';
import { waitFor } from './wait-for.ts';
import { addState, childOf, findState, openState, ownPid, selfState, stateOf, type State } from './states.ts';

let made = 0;

/**
 * A function that runs in a process (or thread) of its own, or a subclass whose `run` does. The main program does not run
 * again; closures and instances of subclasses are sent by value. Python: `multiprocessing.Process`.
 *
 * @example
 * ```ts
 * import { Process } from 'manycore';
 * const p = new Process({ target: (name: string) => console.log('hello', name), args: ['bob'] });
 * p.start();
 * await p.join();
 * console.log(p.exitCode); // 0
 * ```
 */
export class Process<Args extends readonly unknown[] | [] = readonly unknown[]> {
  // No private fields: see the README.

  /**
   * @throws ArgumentTypeError, ArgumentRangeError for options that are wrong or unknown.
   */
  constructor(options?: ProcessOptions<Args> & NeededArgs<Args, 'args'>);
  constructor(options: ProcessOptions<Args> = {}) {
    const given = options as unknown as AnyOptions;
    const kind = checkProcessOptions(new.target.name, given);
    const { target, args = [], name, daemon, ...rest } = given;
    const me = selfState();
    const identity = [...me.identity, ++made];
    addState(this, {
      kind,
      identity,
      parentPid: ownPid,
      name: name ?? `${new.target.name}-${identity.join(':')}`,
      daemon: daemon ?? me.daemon,
      authKey: me.authKey,
      options: rest,
      job: { target: target as Target | undefined, args: [...args] },
      child: undefined,
      closed: false,
      isSelf: false,
    });
  }

  /** What the process does; runs in the child. A subclass may override it. Called here, it runs here. Python: `Process.run`. */
  run(): unknown {
    const { target, args } = stateOf(this, 'run').job;
    return target?.(...args);
  }

  /**
   * Starts the process, once, and returns it. What it runs and its arguments are copied now. Python: `Process.start`.
   *
   * @throws ProcessStateError when it was started before; ProcessStartError when the system has none to give.
   * @throws CaptureError, SerializationError when the target, an argument or this instance cannot travel.
   */
  start(): this {
    const state = openState(this, 'start()');
    if (state.child !== undefined || state.isSelf)
      throw new ProcessStateError(`Cannot start the process ${JSON.stringify(state.name)} twice: make another one.`);
    const { target } = state.job;
    try {
      state.child = new Child(infoOf(state), { ...state.job, self: travelling(this) }, state.options);
    } catch (error) {
      throw refused(error as Error, 'start', target?.name ?? state.name, callSite());
    }
    if (state.daemon) for (const stream of streamsOf(state)) stream.unref?.();
    // They can be collected: the child has its own.
    state.job = { target: undefined, args: [] };
    adopt(this, state.child, state.daemon);
    return this;
  }

  /**
   * Waits until it has ended, or for `timeout` milliseconds: `exitCode` is null when it still runs. What a process that has ended printed is
   * printed by then. Python: `Process.join`.
   *
   * @throws ProcessStateError before `start()`, and for the process itself.
   */
  async join(options: { readonly timeout?: number } = {}): Promise<void> {
    const { timeout } = waitingOf('join', options, ['timeout']);
    await waitFor(childOf(this, 'join()').ended, timeout);
  }

  /** Whether it was started and has not ended. Python: `Process.is_alive`. */
  isAlive(): boolean {
    const { child, isSelf } = openState(this, 'isAlive()');
    return isSelf || (child !== undefined && child.exitCode === null);
  }

  /** Ends it: SIGTERM, also for what it has started. Nothing happens when it has ended. Python: `Process.terminate`. */
  terminate(): void {
    childOf(this, 'terminate()').kill('SIGTERM');
  }

  /** Ends it at once: SIGKILL, which it cannot handle. Python: `Process.kill`. */
  kill(): void {
    childOf(this, 'kill()').kill('SIGKILL');
  }

  /** SIGINT: its listener for that runs; without one an `InterruptError` ends it with 1. Python: `Process.interrupt`, from 3.14 on. */
  interrupt(): void {
    childOf(this, 'interrupt()').kill('SIGINT');
  }

  /**
   * Gives back what it holds; afterwards only `name`, `daemon` and `authKey` can be asked. Python: `Process.close`.
   *
   * @throws ProcessStateError while it runs.
   */
  close(): void {
    const state = stateOf(this, 'close()');
    if (state.isSelf || (state.child !== undefined && state.child.exitCode === null))
      throw new ProcessStateError(
        `Cannot close the process ${JSON.stringify(state.name)} while it is running: call terminate() and join() first.`,
      );
    for (const stream of streamsOf(state)) stream.destroy();
    state.closed = true;
    state.child = undefined;
  }

  /** Ends it if it runs, waits for that, and closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { child, closed } = stateOf(this, 'dispose');
    if (closed) return;
    if (child?.exitCode === null) {
      child.kill('SIGTERM');
      await waitFor(child.ended, killGraceMs);
      child.kill('SIGKILL');
      await waitFor(child.ended, undefined);
    }
    this.close();
  }

  /** For messages; several may have the same. Python: `Process.name`. */
  get name(): string {
    return stateOf(this, 'name').name;
  }

  set name(name: string) {
    checkName(name);
    stateOf(this, 'name').name = name;
  }

  /** Whether it ends with the program's code. Can be set before `start()`. Python: `Process.daemon`. */
  get daemon(): boolean {
    return stateOf(this, 'daemon').daemon;
  }

  set daemon(daemon: boolean) {
    checkDaemon(daemon);
    const state = stateOf(this, 'daemon');
    if (state.child !== undefined || state.isSelf)
      throw new ProcessStateError(`Cannot set daemon: the process ${JSON.stringify(state.name)} has already started.`);
    state.daemon = daemon;
  }

  /** The key with which connections between processes are secured; children inherit it. Python: `Process.authkey`. */
  get authKey(): Uint8Array {
    return stateOf(this, 'authKey').authKey;
  }

  set authKey(key: Uint8Array) {
    if (!(key instanceof Uint8Array)) throw new ArgumentTypeError(`Cannot use authKey ${show(key)}: expected bytes.`);
    stateOf(this, 'authKey').authKey = Buffer.from(key);
  }

  /** The process id, for a thread its thread id; undefined before `start()`. Python: `Process.pid`, `Process.ident`. */
  get pid(): number | undefined {
    const { child, isSelf } = openState(this, 'pid');
    return isSelf ? ownPid : child?.pid;
  }

  /** Another word for `pid`. Python: `ident`. */
  get ident(): number | undefined {
    return this.pid;
  }

  /**
   * Null until it has ended; 0 when all went well, 1 after an error that nobody caught, negative for a signal. Python:
   * `Process.exitcode`.
   */
  get exitCode(): number | null {
    return openState(this, 'exitCode').child?.exitCode ?? null;
  }

  /**
   * Resolves when it has ended, as `join()`; to be raced or waited for with others. Does not keep the program alive. Python:
   * `Process.sentinel`.
   */
  get sentinel(): Promise<void> {
    return childOf(this, 'sentinel').ended;
  }

  /** With `stdio: 'pipe'`: what it reads. Python's Process has no such streams, `subprocess.Popen` has. */
  get stdin(): Writable | null {
    return openState(this, 'stdin').child?.streams?.stdin ?? null;
  }

  /** With `stdio: 'pipe'`: what it prints. */
  get stdout(): Readable | null {
    return openState(this, 'stdout').child?.streams?.stdout ?? null;
  }

  /** With `stdio: 'pipe'`: what it prints to stderr. */
  get stderr(): Readable | null {
    return openState(this, 'stderr').child?.streams?.stderr ?? null;
  }
}

/** What of it the child needs besides its target: a subclass's own `run`, and the fields that it may read. */
function travelling(process: Process): ProcessJob['self'] {
  return process.run !== Process.prototype.run || Reflect.ownKeys(process).length > 0 ? process : undefined;
}

function infoOf({ name, daemon, kind, identity, authKey, options }: State): ProcessInfo {
  const { nice, cpus } = options;
  return { name, daemon, kind, identity, authKey, parent: { pid: ownPid, name: selfState().name }, nice, cpus };
}

function streamsOf({ child }: State): ((Readable | Writable) & { unref?: () => void })[] {
  const { stdin, stdout, stderr } = child?.streams ?? {};
  return [stdin, stdout, stderr].filter((stream) => stream !== null && stream !== undefined);
}

/** Python's text for it. */
function repr(process: Process): string {
  const state = findState(process);
  const of = process.constructor.name;
  if (state === undefined) return `<${of} unknown>`;
  const { name, child, closed, isSelf, daemon, parentPid } = state;
  const code = child?.exitCode ?? null;
  const pid = isSelf ? ownPid : child?.pid;
  const words = [`<${of} name='${name}'`];
  if (pid !== undefined) words.push(`pid=${pid}`);
  words.push(`parent=${parentPid}`);
  if (closed) words.push('closed');
  else if (isSelf) words.push('started');
  else if (child === undefined) words.push('initial');
  else words.push(code === null ? 'started' : 'stopped');
  if (code !== null) words.push(`exitcode=${signalName(code) ?? code}`);
  if (daemon) words.push('daemon');
  return `${words.join(' ')}>`;
}

function signalName(code: number): string | undefined {
  if (code >= 0) return undefined;
  const found = Object.entries(constants.signals).find(([, number]) => number === -code);
  return found && `-${found[0]}`;
}

inspectAs(Process, repr);
