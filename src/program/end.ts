import { lingerMs } from '../limits.ts';
import { noteStop } from './stops.ts';
import type { Holder, Listener, ProgramProcess, Screen } from './holder.ts';
import { Interruption, type EndingSignal } from './interruption.ts';

export interface ProgramEndOptions {
  readonly process: ProgramProcess;
  /** Writes to stderr, at once and without fail. */
  readonly print: (text: string) => void;
  readonly now: () => number;
}

/**
 * The one place that knows of the program's end, and of its stops.
 *
 *     exit, uncaught exception   screens are left, workers end at once
 *     SIGINT, SIGTERM, SIGHUP    with work: it fails, the program has a second to clean up; see Interruption
 *                                without: the default effect
 *     SIGTSTP (Ctrl-Z)           the workers stop, then the program; they go on after it
 *
 * Signals are listened to only while there is work or something on a screen: a listener takes the default effect away, and
 * with it the way to end a program whose thread is busy.
 *
 * A program that has a listener of its own is in charge. Ours stand in front of the others and are gone when those run, so
 * that code which counts the listeners to decide whether it has to end the program (signal-exit) counts without them.
 */
export class ProgramEnd {
  readonly #options: ProgramEndOptions;
  readonly #holders = new Set<Holder>();
  readonly #busy = new Set<Holder>();
  readonly #screens = new Set<Screen>();
  readonly #listening = new Set<string>();
  /** There was work a moment ago. */
  #lingering = false;
  #exiting = false;
  /** This thread is blocked, or was and has not come round. */
  #undisturbed = false;
  #interruption: Interruption | undefined;

  constructor(options: ProgramEndOptions) {
    this.#options = options;
  }

  /** Has a holder's workers end with the program; the function returned revokes that. */
  join(holder: Holder): () => void {
    this.#holders.add(holder);
    this.#listen();
    return () => {
      this.#holders.delete(holder);
      this.busy(holder, false);
    };
  }

  /** A holder has work, or has none any more. */
  busy(holder: Holder, busy: boolean): void {
    if (busy) {
      this.#busy.add(holder);
      this.#listen();
    } else if (this.#busy.delete(holder)) {
      this.#linger();
    }
  }

  /** Something is about to be drawn. */
  watch(screen: Screen): void {
    this.#screens.add(screen);
    this.#listen();
  }

  unwatch(screen: Screen): void {
    this.#screens.delete(screen);
    this.#listen();
  }

  /**
   * Runs what blocks this thread, with the default effect of signals: no listener would be called before the event loop comes
   * round, so the default effect stays until then. Who blocks again and again can be interrupted at every moment.
   */
  undisturbed<R>(body: () => R): R {
    if (this.#undisturbed) return body();
    this.#undisturbed = true;
    this.#leaveScreens();
    this.#ignoreSignals();
    // Not afterwards: Ctrl-C in the REPL ends what runs past any `finally`.
    setImmediate(() => {
      this.#undisturbed = false;
      this.#listen();
    });
    return body();
  }

  #listen(): void {
    if (this.#interruption !== undefined) return;
    const drawn = this.#screens.size > 0;
    const busy = this.#busy.size > 0 || this.#lingering;
    const signals = (busy || drawn) && !this.#undisturbed;
    this.#set('SIGINT', signals, this.#onSignal);
    this.#set('SIGTERM', signals, this.#onSignal);
    this.#set('SIGTSTP', signals, this.#onSignal);
    // It leaves no terminal to be restored.
    this.#set('SIGHUP', busy && !this.#undisturbed, this.#onSignal);
    this.#set('exit', this.#holders.size > 0 || drawn, this.#onExit);
    this.#set('uncaughtExceptionMonitor', drawn, this.#onUncaught);
    this.#set('warning', drawn, this.#onWarning);
  }

  /** A program that awaits one call after the other has work again by then. */
  #linger(): void {
    if (this.#lingering) return;
    this.#lingering = true;
    const stop = (): void => {
      this.#lingering = false;
      this.#listen();
    };
    // A signal that has come and was not told yet is lost with the last listener: the event loop comes round once before.
    setTimeout(() => setImmediate(() => setImmediate(stop)), lingerMs).unref();
  }

  #set(event: string, wanted: boolean, listener: Listener): void {
    if (wanted === this.#listening.has(event)) return;
    if (wanted) {
      this.#listening.add(event);
      this.#options.process.prependListener(event, listener);
    } else {
      this.#listening.delete(event);
      this.#options.process.removeListener(event, listener);
    }
  }

  #ignoreSignals(): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGTSTP', 'SIGHUP']) this.#set(signal, false, this.#onSignal);
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    const { process, print } = this.#options;
    if (signal !== 'SIGHUP') this.#leaveScreens();
    const isOurs = process.listenerCount(signal) === 1;
    // It listens before we stop to: for want of a listener the same signal, repeated, would end the program.
    if (isOurs && this.#busy.size > 0 && signal !== 'SIGTSTP')
      this.#interruption = new Interruption(process, print, signal as EndingSignal, this.#holders);
    this.#ignoreSignals();
    if (!isOurs) setImmediate(() => this.#listen());
    else if (this.#interruption !== undefined) return;
    else if (this.#busy.size === 0) this.#passOn(signal);
    else this.#stop();
  };

  /** The default effect, with no listener left; the next work and the next drawing bring them back. */
  #passOn(signal: NodeJS.Signals): void {
    const { process } = this.#options;
    this.#lingering = false;
    this.#listen();
    process.kill(process.pid, signal);
  }

  /** The workers lead groups of their own, which the terminal does not know. */
  #stop(): void {
    const { process, now } = this.#options;
    const stopped = [...this.#busy];
    for (const holder of stopped) holder.suspend(true);
    const fromMs = now();
    // It returns when the program goes on; at once, where there is no shell that could continue it.
    process.kill(process.pid, 'SIGTSTP');
    noteStop(fromMs, now());
    for (const holder of stopped) holder.suspend(false);
    setImmediate(() => this.#listen());
  }

  /** The exit listeners run: no work will be done any more. */
  get exiting(): boolean {
    return this.#exiting;
  }

  readonly #onExit = (): void => {
    this.#exiting = true;
    this.#leaveScreens();
    for (const holder of this.#holders) holder.destroy();
  };

  readonly #onUncaught = (): void => this.#leaveScreens();

  readonly #onWarning = (): void => {
    for (const screen of this.#screens) screen.makeWay();
  };

  /** They are watched again from their next drawing on. */
  #leaveScreens(): void {
    const screens = [...this.#screens];
    this.#screens.clear();
    for (const screen of screens) screen.leave();
  }
}
