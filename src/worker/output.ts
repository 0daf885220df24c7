import type { Writable } from 'node:stream';

/**
 * The worker's stdout and stderr: what tasks print goes over the worker's channel, in order with their results, so that it
 * is there before the result that follows it and the host can print it above a progress bar. `kept` are the descriptors that the
 * host has given to the user.
 */
export function redirectOutput(
  isThread: boolean,
  send: (fd: 1 | 2, text: string) => void,
  kept: readonly number[] = [],
): void {
  for (const [name, fd] of [
    ['stdout', 1],
    ['stderr', 2],
  ] as const) {
    if (kept.includes(fd)) continue;
    const write = (chunk: string | Buffer, _encoding: string, done: () => void): void => {
      send(fd, typeof chunk === 'string' ? chunk : chunk.toString('utf8'));
      done();
    };
    // A thread's stream is Node's own, which other parts of Node speak to; only its way out is ours.
    if (isThread) Object.assign(process[name], { _write: write, _writev: null });
    else replace(name, fd, write);
  }
}

type Write = (chunk: string | Buffer, encoding: string, done: () => void) => void;

/** A process makes its streams when they are first asked for; ours does too, and is cheaper. */
function replace(name: 'stdout' | 'stderr', fd: 1 | 2, write: Write): void {
  let stream: Writable | undefined;
  const make = (): Writable => {
    const { Writable } = process.getBuiltinModule('node:stream');
    return Object.assign(new Writable({ decodeStrings: false, write }), { fd, isTTY: false, _type: 'pipe' });
  };
  const get = (): Writable => (stream ??= make());
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get });
}
