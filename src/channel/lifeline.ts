import { Socket } from 'node:net';
import { loadNative, type LifelineCalls } from '../native.ts';

/**
 * A worker process ends with its host, busy, stopped or blocked, however the host dies, and so does what its tasks have started. The
 * kernel sees to it: a socket on which nothing is ever sent, and when the host's end of it is closed the kernel sends SIGKILL to
 * the worker's process group. (A parent-death signal would reach the worker alone, and only if the host's thread ends.) The
 * socket's settings are the same for all who have it, so the host makes them, and the worker has nothing to do.
 */
export class Lifeline {
  /** The end that the worker inherits. */
  readonly theirs: number;
  /** Closed by Node at the end of this thread. */
  readonly #ours: Socket;
  readonly #calls: LifelineCalls;

  private constructor(calls: LifelineCalls) {
    this.#calls = calls;
    const [ours, theirs] = calls.pair();
    this.theirs = theirs;
    this.#ours = new Socket({ fd: ours, readable: false, writable: true }).on('error', ignore).unref();
  }

  /** Undefined where it cannot be: the worker then watches who its parent is. */
  static open(): Lifeline | undefined {
    const calls = loadNative()?.lifeline;
    try {
      return calls && new Lifeline(calls);
    } catch {
      return undefined;
    }
  }

  /** The worker has its end, and leads a process group. It was sent nothing yet, so it has run nothing of the user's. */
  guard(pid: number): void {
    this.#calls.own(this.theirs, pid);
  }

  /** The worker has its end, or never will. */
  inherited(): void {
    this.#calls.close(this.theirs);
  }

  close(): void {
    this.#ours.destroy();
  }
}

function ignore(): void {}
