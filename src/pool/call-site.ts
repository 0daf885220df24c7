import { fileURLToPath } from 'node:url';

/** The folders of our own frames: the compiled files, or the sources when a source map says so. None in a user's bundle. */
const own: readonly string[] = import.meta.url?.endsWith('/dist/pool/call-site.js')
  ? ['../', '../../src/'].flatMap((folder) => {
      const url = new URL(folder, import.meta.url);
      return [url.href, fileURLToPath(url)];
    })
  : [];

/** Where the user called us: the stack without our own frames. Only a few are taken, as this is paid by every call. */
export function callSite(): string {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 8;
  Error.captureStackTrace(holder, callSite);
  Error.stackTraceLimit = limit;
  return frames(holder.stack ?? '');
}

function frames(stack: string): string {
  return stack
    .split('\n')
    .slice(1)
    .filter((line) => !own.some((folder) => line.includes(folder)) && !/[ (]node:internal\//.test(line))
    .join('\n');
}

/** `photos.ts:12` from a stack. */
export function shortSite(site: string): string | undefined {
  const match = /([^/\\(]+:\d+):\d+\)?$/m.exec(site.split('\n', 1)[0] ?? '');
  return match?.[1];
}
