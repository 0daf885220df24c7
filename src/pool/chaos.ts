import { later } from '../blocking/later.ts';
import { chaosPauseMs } from '../limits.ts';

/** Faults that befall a pool's workers at random, to test what a program makes of them. */
export interface ChaosOptions {
  /** Milliseconds between two faults, on average. */
  readonly meanMs: number;
  /**
   * `kill`: a worker is killed. `stop`: a process is stopped (SIGSTOP) and goes on after a while. `delay`: what is sent to a
   * worker is held back for a while. Default `kill`.
   */
  readonly mode?: 'kill' | 'stop' | 'delay';
  /** The same seed gives the same times. Default: another each time. */
  readonly seed?: number;
}

/** What can be done to a worker. */
export interface Victim {
  readonly pid: number | undefined;
  kill(force: boolean): void;
  hold(ms: number): void;
}

/** Has a fault befall a random worker, at random times. Returns how to end that. */
export function unleash({ meanMs, mode = 'kill', seed }: ChaosOptions, victims: () => readonly Victim[]): () => void {
  const random = seed === undefined ? Math.random : numbersFrom(seed);
  const stopped = new Map<number, () => void>();
  let cancel: () => void;
  const strike = (): void => {
    const all = victims();
    const victim = all[Math.floor(random() * all.length)];
    const pauseMs = chaosPauseMs * random();
    if (mode === 'kill') victim?.kill(true);
    else if (mode === 'delay') victim?.hold(pauseMs);
    else if (victim?.pid !== undefined) stop(victim.pid, pauseMs);
    wait();
  };
  const wait = (): void => {
    // Independent of each other: the times between are exponentially distributed.
    cancel = later(-meanMs * Math.log(1 - random()), strike);
  };
  const stop = (pid: number, ms: number): void => {
    if (stopped.has(pid) || !signal(pid, 'SIGSTOP')) return;
    const goOn = (): void => {
      stopped.delete(pid);
      signal(pid, 'SIGCONT');
    };
    stopped.set(pid, later(ms, goOn));
  };
  wait();
  return () => {
    cancel();
    for (const [pid, cancelResume] of stopped) {
      cancelResume();
      signal(pid, 'SIGCONT');
    }
  };
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // It is gone.
  }
}

/** Park and Miller's generator: numbers from 0 to 1, the same for each seed. */
function numbersFrom(seed: number): () => number {
  let state = (Math.abs(Math.trunc(seed)) % 2_147_483_646) + 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
