import type { ProgressProcess } from './host.ts';

// SIGTSTP is Ctrl-Z: the shell must get its cursor back too. SIGHUP leaves no terminal, and Ctrl-\ always works as it does by default.
const signals = ['SIGINT', 'SIGTERM', 'SIGTSTP'] as const;

/**
 * Notices that the program may be about to end, or that Node itself is about to write, past all hooks.
 *
 * A signal's default effect is kept: the listeners go, and if no other was there, the signal is sent again. They stand in
 * front of the others and are gone when those run, so that code which counts the listeners to decide whether it has to end
 * the program (signal-exit, another part of manycore) counts without them. `arm` brings them back, if the program goes on.
 */
export class Departure {
  readonly #process: ProgressProcess;
  readonly #leave: () => void;
  readonly #makeWay: () => void;
  #armed = false;

  constructor(process: ProgressProcess, leave: () => void, makeWay: () => void) {
    this.#process = process;
    this.#leave = leave;
    this.#makeWay = makeWay;
  }

  arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    for (const signal of signals) this.#process.prependListener(signal, this.#onSignal);
    this.#process.prependListener('exit', this.#onEnd);
    this.#process.prependListener('uncaughtExceptionMonitor', this.#onEnd);
    this.#process.prependListener('warning', this.#onWarning);
  }

  disarm(): void {
    if (!this.#armed) return;
    this.#armed = false;
    for (const signal of signals) this.#process.removeListener(signal, this.#onSignal);
    this.#process.removeListener('exit', this.#onEnd);
    this.#process.removeListener('uncaughtExceptionMonitor', this.#onEnd);
    this.#process.removeListener('warning', this.#onWarning);
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#leave();
    this.disarm();
    if (this.#process.listenerCount(signal) === 0) this.#process.kill(this.#process.pid, signal);
  };

  readonly #onEnd = (): void => this.#leave();

  readonly #onWarning = (): void => this.#makeWay();
}
