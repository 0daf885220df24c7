import { fileURLToPath } from 'node:url';

const own = new URL('..', import.meta.url).href;
const ownPath = own.startsWith('file:') ? fileURLToPath(own) : own;

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
    .filter((line) => !line.includes(own) && !line.includes(ownPath) && !/[ (]node:internal\//.test(line))
    .join('\n');
}

/** `photos.ts:12` from a stack. */
export function shortSite(site: string): string | undefined {
  const match = /([^/\\(]+:\d+):\d+\)?$/m.exec(site.split('\n', 1)[0] ?? '');
  return match?.[1];
}
