import { isDrawable, styleFor, type ProgressHost } from './host.ts';
import { barLine, type Line } from './lines.ts';
import { readProgressOption } from './options.ts';
import { PlainLog } from './plain-log.ts';
import { Terminal } from './terminal.ts';
import { Tracker } from './tracker.ts';
import type { ProgressCounters, ProgressHandle, ProgressOption, ProgressOutcome, ProgressStream } from './types.ts';

const nothing: ProgressHandle = { fraction: 0, stop() {} };

/** All progress of a program: one timer while there is any, one `Terminal` per screen that shows some. */
export class ProgressDisplay {
  readonly #host: ProgressHost;
  /** Where each goes; undefined for those that only call back. */
  readonly #active = new Map<Tracker, ProgressStream | PlainLog | undefined>();
  readonly #terminals = new Map<ProgressStream, Terminal>();
  #timer: { intervalMs: number; end: () => void } | undefined;

  constructor(host: ProgressHost) {
    this.#host = host;
  }

  start(option: ProgressOption | undefined, counters: ProgressCounters, defaultLabel: string): ProgressHandle {
    const settings = readProgressOption(option, defaultLabel);
    if (settings === undefined) return { ...nothing };
    const { process } = this.#host;
    const tracker = new Tracker(
      settings,
      counters,
      this.#host.now(),
      (message) => process.emitWarning(message, 'ManycoreWarning'),
      (stopped, outcome) => this.#stop(stopped, outcome),
    );

    if (!settings.visible) {
      this.#active.set(tracker, undefined);
    } else {
      const stream = settings.stream ?? process.stderr;
      const drawable = isDrawable(stream, process.env);
      this.#active.set(tracker, drawable ? this.#screenOf(stream) : new PlainLog(stream));
      if (drawable) this.#terminal(this.#screenOf(stream)).draw();
    }
    this.#setTimer();
    return tracker;
  }

  #stop(tracker: Tracker, outcome: ProgressOutcome): void {
    const where = this.#active.get(tracker);
    this.#active.delete(tracker);
    this.#setTimer();
    tracker.finish(this.#host.now());
    if (where instanceof PlainLog) where.update(tracker.snapshot, outcome);
    else if (where !== undefined) this.#finishLine(tracker, where, outcome);
  }

  #finishLine(tracker: Tracker, screen: ProgressStream, outcome: ProgressOutcome): void {
    const terminal = this.#terminals.get(screen);
    if (terminal === undefined) return;
    terminal.print(barLine(tracker.snapshot, terminal.columns, styleFor(this.#host.process.env), outcome).text);
    if ([...this.#active.values()].includes(screen)) return;
    terminal.close();
    this.#terminals.delete(screen);
    this.#host.end.unwatch(terminal);
  }

  #tick(): void {
    const now = this.#host.now();
    const changed = new Set<Terminal>();
    for (const [tracker, where] of this.#active) {
      // The callback may have stopped it.
      if (!tracker.update(now) || !this.#active.has(tracker)) continue;
      if (where instanceof PlainLog) where.update(tracker.snapshot);
      else if (where !== undefined) changed.add(this.#terminal(where));
    }
    for (const terminal of changed) terminal.draw();
  }

  #setTimer(): void {
    const intervalMs = Math.min(...Array.from(this.#active.keys(), (tracker) => tracker.intervalMs));
    if (this.#timer?.intervalMs === intervalMs) return;
    this.#timer?.end();
    this.#timer = undefined;
    if (this.#active.size > 0) this.#timer = { intervalMs, end: this.#host.every(intervalMs, () => this.#tick()) };
  }

  /** stdout and stderr are the same screen when both are terminals; it is drawn on by way of stderr. */
  #screenOf(stream: ProgressStream): ProgressStream {
    const { stdout, stderr } = this.#host.process;
    return stream === stdout && stderr.isTTY === true ? stderr : stream;
  }

  #terminal(screen: ProgressStream): Terminal {
    const existing = this.#terminals.get(screen);
    if (existing !== undefined) return existing;
    const { stdout, stderr } = this.#host.process;
    const shared = screen === stderr && stdout.isTTY === true ? [stdout] : [];
    const terminal: Terminal = new Terminal(
      screen,
      shared,
      (columns, rows) => this.#compose(screen, columns, rows),
      () => this.#host.end.watch(terminal),
    );
    this.#terminals.set(screen, terminal);
    return terminal;
  }

  #compose(screen: ProgressStream, columns: number, rows: number): Line[] {
    const style = styleFor(this.#host.process.env);
    const shown = [...this.#active].filter(([, where]) => where === screen).map(([tracker]) => tracker);
    // Lines that scrolled off the top cannot be drawn again: one row stays free, and one says what is not shown.
    const room = Math.max(1, rows - 2);
    const lines = shown.slice(0, room).map((tracker) => barLine(tracker.snapshot, columns, style));
    if (shown.length > room) {
      const text = `+ ${shown.length - room} more`.slice(0, columns - 1);
      lines.push({ text, width: text.length });
    }
    return lines;
  }
}
