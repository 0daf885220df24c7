import type { ProgressStream } from './types.ts';

type Chunk = string | Uint8Array;

export interface WriteHook {
  /** Writes past the hook. */
  readonly original: ProgressStream['write'];
  /** Puts back what was there before, unless somebody has wrapped `write` since: then the hook only passes on. */
  remove(): void;
}

/** Lets others' writes to a stream be noticed: `before` each of them, and `after` it with what was written. */
export function hookWrites(stream: ProgressStream, before: () => void, after: (chunk: Chunk) => void): WriteHook {
  const own = Object.getOwnPropertyDescriptor(stream, 'write');
  const original = stream.write;
  let active = true;
  // A write that is made by the stream's own write, or by a wrapper below, is a part of the one that is under way.
  let depth = 0;

  function write(this: unknown, ...args: unknown[]): unknown {
    if (!active || depth > 0) return Reflect.apply(original, this ?? stream, args);
    before();
    depth++;
    try {
      return Reflect.apply(original, this ?? stream, args);
    } finally {
      depth--;
      const [chunk] = args;
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) after(chunk);
    }
  }
  Reflect.defineProperty(stream, 'write', {
    value: write,
    configurable: true,
    enumerable: own?.enumerable ?? false,
    writable: true,
  });

  return {
    original,
    remove() {
      active = false;
      if (Object.getOwnPropertyDescriptor(stream, 'write')?.value !== write) return;
      if (own === undefined) Reflect.deleteProperty(stream, 'write');
      else Reflect.defineProperty(stream, 'write', own);
    },
  };
}

/** Writes for the display: a reader that went away ends what is shown, not the program. */
export function writeQuietly(
  stream: ProgressStream,
  write: ProgressStream['write'],
  text: string,
  onError?: () => void,
): void {
  const emitter: ProgressStream & Partial<Pick<NodeJS.EventEmitter, 'once' | 'listenerCount'>> = stream;
  try {
    Reflect.apply(write, stream, [
      text,
      (error?: Error | null) => {
        if (!error) return;
        onError?.();
        // The stream emits the error next; console.log takes the same care.
        if (emitter.listenerCount?.('error') === 0) emitter.once?.('error', () => {});
      },
    ]);
  } catch {
    onError?.();
  }
}
