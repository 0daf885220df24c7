import type { Clock } from './clock.ts';
import type { CrewOptions } from './crew.ts';
import type { Member } from './member.ts';
import type { Link, WorkerExit } from './task.ts';

/** What a worker's link reports. Every call comes from the host's event loop, never from within a call of the engine. */
export interface LinkEvents {
  /** @param initializerMs - What its initializer took. */
  ready(pid: number | undefined, initializerMs: number): void;
  /** Consecutive items ended well. */
  succeeded(sequence: number, values: readonly unknown[]): void;
  failed(sequence: number, error: Error, kind: 'error' | 'unsendable'): void;
  /** What the last answers took. */
  took(sequence: number, count: number, ms: number): void;
  /** A task under way reported how far it is. */
  progressed(sequence: number, done: number, total: number | undefined): void;
  /** All answers that came together have been reported. */
  settled(): void;
  /** The worker is gone and nothing more will come from it. */
  exited(exit: WorkerExit): void;
}

export interface EngineOptions extends CrewOptions {
  readonly clock: Clock;
  /** Starts a worker in a seat, its place in the crew. */
  readonly start: (id: number, events: LinkEvents, seat: number) => Link;
  readonly onExit?: (member: Member, exit: WorkerExit) => void;
  readonly onBroken?: (error: Error) => void;
  readonly onEnded?: () => void;
  /** Work came or went: a program with work must not end, one without may. */
  readonly onBusy?: (busy: boolean) => void;
}

/** running -> closing -> ended; broken and terminating lead to ended without finishing the work. */
export type EngineState = 'running' | 'closing' | 'terminating' | 'ended';
