import { keptMs, maxKeptBytes, maxKeptFiles } from '../limits.ts';
import type { KeptFile } from './kept-file.ts';

/** The kept files of one end of a channel, by their names. */
export class KeptFiles {
  readonly #files = new Map<string, KeptFile>();

  /** Whether a new one for so many bytes is worth it. */
  mayKeep(bytes: number): boolean {
    return bytes <= maxKeptBytes && this.#files.size < maxKeptFiles;
  }

  add(name: string, file: KeptFile): void {
    this.#files.set(name, file);
    all.add(this);
    ticking ??= setInterval(tick, keptMs).unref();
  }

  get(name: string): KeptFile | undefined {
    return this.#files.get(name);
  }

  /** Fills the smallest free file that is not more than twice as large as what goes in. Returns its name. */
  fill(bytes: Uint8Array): string | undefined {
    const fitting = [...this.#files]
      .filter(([, file]) => file.bytes >= bytes.length && file.bytes <= bytes.length * 2 && file.isFree)
      .toSorted(([, a], [, b]) => a.bytes - b.bytes);
    // The other side may be faster.
    return fitting.find(([, file]) => file.fill(bytes))?.[0];
  }

  /** A buffer over what came in a file, which is free again when nobody has the buffer any more. */
  lend(file: KeptFile, bytes: number): ArrayBuffer {
    const buffer = file.lend(bytes);
    collected.register(buffer, file);
    return buffer;
  }

  /** What is kept for nobody at this moment. */
  get freeBytes(): number {
    let sum = 0;
    for (const file of this.#files.values()) if (file.isFree) sum += file.bytes;
    return sum;
  }

  /** @internal */
  retire(): void {
    for (const file of this.#files.values()) file.retire();
    this.age();
  }

  /** @internal */
  age(): void {
    for (const [name, file] of this.#files) if (file.age()) this.#files.delete(name);
    if (this.#files.size === 0) this.#forget();
  }

  /** The other side has ended. */
  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
    this.#forget();
  }

  #forget(): void {
    all.delete(this);
    if (all.size > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  }
}

/** Those of this thread that have any. */
const all = new Set<KeptFiles>();
let ticking: NodeJS.Timeout | undefined;

function tick(): void {
  for (const files of all) files.age();
}

function allFreeBytes(): number {
  let sum = 0;
  for (const files of all) sum += files.freeBytes;
  return sum;
}

const collected = new FinalizationRegistry<KeptFile>((file) => {
  file.letGo();
  if (allFreeBytes() > maxKeptBytes) file.retire();
});

/** Gives back what is kept for nobody, as memory is short. */
export function retireKept(): void {
  for (const files of all) files.retire();
}
