import { constants } from 'node:os';
import { inspect } from 'node:util';
import { PoolTerminatedError } from '../errors.ts';
import { cleanUpMs, repeatedSignalMs } from '../limits.ts';
import type { Holder, ProgramProcess, Unfinished } from './holder.ts';

export type EndingSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * A program that a signal ends while it has work. All work fails, so that `finally` and `await using` of the program run;
 * what it then does has a second. Who does not catch the failure sees no stack: the program was told to end.
 *
 * The signal's default effect is back: a second Ctrl-C is the kernel's, and works also when the program's thread is busy.
 */
export class Interruption {
  readonly #process: ProgramProcess;
  readonly #print: (text: string) => void;
  readonly #signal: EndingSignal;
  readonly #error: Error;
  /** What the program had set before; another one is its choice, made as it cleaned up. */
  readonly #exitCode: ProgramProcess['exitCode'];

  constructor(
    process: ProgramProcess,
    print: (text: string) => void,
    signal: EndingSignal,
    holders: ReadonlySet<Holder>,
  ) {
    this.#process = process;
    this.#print = print;
    this.#signal = signal;
    const work = describe(holders);
    this.#error = new PoolTerminatedError(`The program was ended by ${signal} with ${work}.`);
    const again = signal === 'SIGINT' ? ' Press Ctrl-C again to end at once.' : '';
    print(`${signal === 'SIGINT' ? 'Interrupted' : signal}: ending ${work}.${again}\n`);
    if (signal === 'SIGINT') process.exitCode = codeOf(signal);
    this.#exitCode = process.exitCode;
    process.prependListener('unhandledRejection', this.#onRejection);
    process.prependListener('uncaughtException', this.#onUncaught);
    process.prependListener('beforeExit', this.#finish);
    this.#ignoreRepeated();
    setTimeout(this.#finish, cleanUpMs).unref();
    // A copy: what has ended leaves.
    for (const holder of Array.from(holders)) holder.interrupt(this.#error);
  }

  /** npm passes Ctrl-C on to a program that the terminal has told already. */
  readonly #ignore = (): void => {};

  #ignoreRepeated(): void {
    this.#process.prependListener(this.#signal, this.#ignore);
    setTimeout(() => this.#process.removeListener(this.#signal, this.#ignore), repeatedSignalMs).unref();
  }

  readonly #onRejection = (reason: unknown): void => {
    // A listener changes what Node does with all of them; the program's own faults end it as ever.
    if (!this.#isOurs(reason) && this.#process.listenerCount('unhandledRejection') === 1) this.#onUncaught(reason);
  };

  readonly #onUncaught = (error: unknown): void => {
    if (this.#isOurs(error) || this.#process.listenerCount('uncaughtException') > 1) return;
    this.#print(`Uncaught ${inspect(error)}\n`);
    this.#process.exitCode = 1;
    this.#process.exit();
  };

  readonly #finish = (): void => {
    const process = this.#process;
    // Who was ended by Ctrl-C ends with its code; the others by the signal, which supervisors look for.
    if (this.#signal !== 'SIGINT' && process.exitCode === this.#exitCode) {
      // The last to hear of the exit sends it: what goes with the program, such as its names in shared memory, is removed by then.
      process.on('exit', () => {
        process.removeListener(this.#signal, this.#ignore);
        process.kill(process.pid, this.#signal);
      });
      // The first process of a container is not ended by signals that it does not handle.
      process.exitCode = codeOf(this.#signal);
    }
    process.exit();
  };

  #isOurs(error: unknown, depth = 0): boolean {
    if (error === this.#error) return true;
    if (!(error instanceof Error) || depth > 10) return false;
    const { errors, error: after, suppressed } = error as Error & Record<'errors' | 'error' | 'suppressed', unknown>;
    return [error.cause, after, suppressed, ...(Array.isArray(errors) ? errors : [])].some((inner) =>
      this.#isOurs(inner, depth + 1),
    );
  }
}

function codeOf(signal: EndingSignal): number {
  return 128 + constants.signals[signal];
}

const maxNamed = 3;

/** Such as `2 running tasks and 98 waiting, of map(resize) at photos.ts:12, and process "Process-1"`. */
function describe(holders: ReadonlySet<Holder>): string {
  const all = [...holders].map((holder) => holder.unfinished());
  const processes = all.flatMap((each) => each.processes ?? []);
  const tasks = describeTasks(all);
  if (processes.length === 0) return tasks ?? 'no running tasks';
  const named = listOf(processes.map((name) => JSON.stringify(name)));
  const children = `${processes.length === 1 ? 'process' : 'processes'} ${named}`;
  return tasks === undefined ? children : `${tasks}, and ${children}`;
}

function describeTasks(all: readonly Unfinished[]): string | undefined {
  const running = all.reduce((sum, each) => sum + each.running, 0);
  const waiting = all.reduce((sum, each) => sum + each.waiting, 0);
  const calls = all.flatMap(({ call }) => call ?? []);
  if (running + waiting === 0) return undefined;
  const tasks = `${running} running ${running === 1 ? 'task' : 'tasks'}${waiting > 0 ? ` and ${waiting} waiting` : ''}`;
  return calls.length === 0 ? tasks : `${tasks}, of ${listOf(calls)}`;
}

function listOf(names: readonly string[]): string {
  return names.slice(0, maxNamed).join(', ') + (names.length > maxNamed ? ', ...' : '');
}
