import { EventEmitter } from 'node:events';
import { ProgramEnd } from '#internal/program/end.js';
import { ProgressDisplay } from '#internal/progress/display.js';
import type { ProgramProcess } from '#internal/program/holder.js';
import type { ProgressHost, ProgressProcess } from '#internal/progress/host.js';
import type { ProgressCounters } from '#internal/progress/index.js';
import { FakeStream, Screen } from './screen.ts';

/** A program in virtual time: two streams on one screen, a process whose events a test emits. */
export class FakeHost implements ProgressHost {
  readonly screen: Screen;
  readonly stdout: FakeStream;
  readonly stderr: FakeStream;
  readonly events: EventEmitter = new EventEmitter();
  readonly process: ProgressProcess & ProgramProcess;
  readonly end: ProgramEnd;
  readonly kills: string[] = [];
  readonly warnings: string[] = [];
  readonly timers = new Set<{ intervalMs: number; nextMs: number; run: () => void }>();
  #nowMs = 0;

  constructor(options: { columns?: number; isTTY?: boolean; env?: Record<string, string> } = {}) {
    const { columns = 80, isTTY = true, env = { NO_COLOR: '1' } } = options;
    this.screen = new Screen(columns);
    this.stdout = new FakeStream(this.screen, isTTY);
    this.stderr = new FakeStream(this.screen, isTTY);
    this.process = Object.assign(this.events, {
      pid: 1,
      stdout: this.stdout,
      stderr: this.stderr,
      env,
      kill: (_pid: number, signal: string) => this.kills.push(signal),
      exit: () => undefined,
      emitWarning: (warning: string) => this.warnings.push(warning),
    });
    this.end = new ProgramEnd({ process: this.process, print: () => undefined, now: () => this.#nowMs });
  }

  get listeners(): number {
    return this.events.eventNames().length;
  }

  now(): number {
    return this.#nowMs;
  }

  every(intervalMs: number, run: () => void): () => void {
    const timer = { intervalMs, nextMs: this.#nowMs + intervalMs, run };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = [...this.timers].filter(({ nextMs }) => nextMs <= endMs).toSorted((a, b) => a.nextMs - b.nextMs);
      if (next === undefined) break;
      this.#nowMs = next.nextMs;
      next.nextMs += next.intervalMs;
      next.run();
    }
    this.#nowMs = endMs;
  }
}

export function counters(total: number | undefined, done = 0): ProgressCounters {
  return { total, done, failed: 0, running: 2, workers: 4 };
}

export function setUp(options?: ConstructorParameters<typeof FakeHost>[0]): {
  host: FakeHost;
  display: ProgressDisplay;
} {
  const host = new FakeHost(options);
  return { host, display: new ProgressDisplay(host) };
}

/** Bars come back in a microtask; one that was queued before is over then. */
export function microtask(): Promise<void> {
  return Promise.resolve();
}
