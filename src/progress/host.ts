/** What the display needs of the program around it; the tests have their own. */
import type { ProgramEnd } from '../program/end.ts';
import { programEnd } from '../program/index.ts';
import type { Style } from './lines.ts';
import type { ProgressStream } from './types.ts';

/** The part of `process` that is used. */
export interface ProgressProcess {
  readonly stdout: ProgressStream;
  readonly stderr: ProgressStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  emitWarning(warning: string, type: string): void;
}

export interface ProgressHost {
  readonly process: ProgressProcess;
  readonly end: ProgramEnd;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Runs something again and again, without keeping the program alive; returns what ends it. */
  every(intervalMs: number, run: () => void): () => void;
}

export const realHost: ProgressHost = {
  process,
  end: programEnd,
  now: () => performance.now(),
  every(intervalMs, run) {
    const timer = setInterval(run, intervalMs).unref();
    return () => clearInterval(timer);
  },
};

/** A terminal that can be drawn on. CI systems offer one to be given colors, but keep what it shows as a log. */
export function isDrawable(stream: ProgressStream, env: ProgressProcess['env']): boolean {
  const ci = env['CI'];
  return (
    stream.isTTY === true && env['TERM'] !== 'dumb' && (ci === undefined || ci === '' || ci === 'false' || ci === '0')
  );
}

export function styleFor(env: ProgressProcess['env']): Style {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return {
    // A terminal whose locale is not set is nearly always a container's, and the terminal outside knows UTF-8.
    unicode: env['TERM'] !== 'linux' && (locale === '' || /utf-?8/i.test(locale)),
    color: !env['NO_COLOR'] && env['NODE_DISABLE_COLORS'] === undefined,
  };
}
