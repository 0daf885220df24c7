import { fileURLToPath } from 'node:url';

/** The folders of our own frames: the compiled files, or the sources when a source map says so. None in a user's bundle. */
const own: readonly string[] = import.meta.url?.endsWith('/dist/parts/core.js')
  ? ['../', '../../src/'].flatMap((folder) => {
      const url = new URL(folder, import.meta.url);
      return [url.href, fileURLToPath(url)];
    })
  : [];

/** Where the user called us: the stack without our own frames. Only a few are taken, as this is paid by every call. */
export function callSite(): string {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  // By Reflect, which does not throw where all that is built in is frozen.
  Reflect.set(Error, 'stackTraceLimit', 8);
  Error.captureStackTrace(holder, callSite);
  Reflect.set(Error, 'stackTraceLimit', limit);
  return frames(holder.stack ?? '');
}

function frames(stack: string): string {
  return stack
    .split('\n')
    .slice(1)
    .filter((line) => !isMachinery(line))
    .join('\n');
}

/** Whether a line of a stack says nothing about the user's program: a frame of ours or of Node's inside. */
function isMachinery(line: string): boolean {
  return own.some((folder) => line.includes(folder)) || /^\s+at .*node:internal\//.test(line);
}

/** A stack of a worker's, or of here, as far as it is about the user's program. */
export function trimmed(stack: string): string {
  return (
    stack
      .split('\n')
      .filter((frame) => !isMachinery(frame))
      // With a source map Node calls the place of an anonymous function that came by value `eval`.
      .map((frame) => frame.replace(/^(\s+at (?:async )?)eval \((?!eval at )(.*)\)$/, '$1$2'))
      .join('\n')
  );
}

/** Trims the stacks of an error that came from a worker, and of those that it has as its `cause` and the like. */
export function trimStacks(error: Error): void {
  const all = new Set([error]);
  // A Set goes on with what is added to it under way.
  for (const each of all) {
    const stack = ownValue(each, 'stack');
    if (typeof stack === 'string')
      Reflect.defineProperty(each, 'stack', { value: trimmed(stack), writable: true, configurable: true });
    for (const key of ['cause', 'errors', 'error', 'suppressed'])
      for (const inner of [ownValue(each, key)].flat()) if (inner instanceof Error) all.add(inner);
  }
}

/** Without calling any getter. */
function ownValue(error: Error, key: string): unknown {
  return Object.getOwnPropertyDescriptor(error, key)?.value;
}

/** Makes `site` the place that the error's stack shows. */
export function placeAt<E extends Error>(error: E, site: string): E {
  const stack = `${error.name}: ${error.message}${site === '' ? '' : `\n${site}`}`;
  return Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true });
}

/** `photos.ts:12` from a stack. */
export function shortSite(site: string): string | undefined {
  const match = /([^/\\(]+:\d+):\d+\)?$/m.exec(site.split('\n', 1)[0] ?? '');
  return match?.[1];
}
