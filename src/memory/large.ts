import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { minMappedBytes } from '../limits.ts';
import { loadNative } from '../native.ts';
import { KeptFile } from './kept-file.ts';
import { KeptFiles, retireKept } from './kept-files.ts';
import { namesFolder, prefixOf, removeThose } from './names.ts';
import { rootLife } from './family.ts';

const form = /^manycore-(?:\d+-){3}large-\d+-[\da-f]{16}$/;

/**
 * Large buffers on their way between a worker process and its host, seen from either: each is a file in `/dev/shm`, written once,
 * and mapped by its receiver, who removes the name. It has a name so that the result of a worker that has ended since is still
 * there. Those that are mapped both sides keep, and fill again once the receiver has let its buffer go.
 */
export class LargeBuffers {
  readonly #prefix: string;
  readonly #kept = new KeptFiles();

  /** @param worker - The process id of the worker, by which names are found when it has ended. */
  constructor(worker: number) {
    this.#prefix = `large-${worker}-`;
  }

  /** Writes a buffer to where the other side finds it by the name. Undefined when there is no room: then it goes through the pipe. */
  put(bytes: Uint8Array): string | undefined {
    if (process.platform !== 'linux') return undefined;
    const kept = this.#kept.fill(bytes);
    if (kept !== undefined) return kept;
    const name = this.#write(bytes);
    if (name !== undefined) return name;
    retireKept();
    return this.#write(bytes);
  }

  #write(bytes: Uint8Array): string | undefined {
    // Not to be guessed it need not be: a file that is there already is not opened. `node:crypto` would cost each worker 3 ms.
    const random = Math.floor(Math.random() * 2 ** 52);
    const name = prefixOf(rootLife()) + this.#prefix + random.toString(16).padStart(16, '0');
    const path = `${namesFolder}/${name}`;
    let fd: number | undefined;
    try {
      fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      const keeps = bytes.length >= minMappedBytes && this.#kept.mayKeep(bytes.length);
      const file = keeps ? KeptFile.found(fd, bytes.length) : undefined;
      if (file !== undefined) this.#kept.add(name, file);
      return name;
    } catch {
      if (fd !== undefined) unlinkSync(path);
      return undefined;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** The buffer that was put under a name. @throws when there is none of these bytes. */
  take(name: string, bytes: number, allocate: (bytes: number) => ArrayBuffer): ArrayBuffer {
    const kept = this.#kept.get(name);
    if (kept !== undefined) return this.#kept.lend(kept, bytes);
    if (!form.test(name)) throw new Error(`${JSON.stringify(name)} is not the name of a buffer.`);
    const path = `${namesFolder}/${name}`;
    const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      unlinkSync(path);
      const file = KeptFile.is(fd, bytes) ? KeptFile.join(fd, bytes) : undefined;
      if (file !== undefined) {
        this.#kept.add(name, file);
        return this.#kept.lend(file, bytes);
      }
      // More than there is would end this process when it is touched.
      if (fstatSync(fd).size < bytes) throw new Error(`The buffer ${name} is not of ${bytes} bytes.`);
      return map(fd, bytes) ?? read(fd, allocate(bytes));
    } finally {
      closeSync(fd);
    }
  }

  /** Memory that only waits for the next buffer. */
  get freeBytes(): number {
    return this.#kept.freeBytes;
  }

  /** The worker has ended: removes what is on its way to or from it. */
  close(): void {
    this.#kept.close();
    if (process.platform === 'linux') removeThose((name) => name.startsWith(prefixOf(rootLife()) + this.#prefix));
  }
}

function map(fd: number, bytes: number): ArrayBuffer | undefined {
  if (bytes < minMappedBytes) return undefined;
  try {
    const { buffer, unmap } = loadNative()!.map(fd, bytes);
    unmaps.register(buffer, unmap);
    return buffer;
  } catch {
    // No koffi here, or there are too many mappings.
    return undefined;
  }
}

function read(fd: number, buffer: ArrayBuffer): ArrayBuffer {
  const bytes = new Uint8Array(buffer);
  for (let at = 0; at < bytes.length;) {
    const count = readSync(fd, bytes, at, bytes.length - at, at);
    if (count === 0) throw new Error('A buffer was cut.');
    at += count;
  }
  return buffer;
}

const unmaps = new FinalizationRegistry<() => void>((unmap) => unmap());
