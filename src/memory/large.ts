import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { minMappedBytes } from '../limits.ts';
import { loadNative } from '../native.ts';
import { namesFolder, prefixOf, removeThose } from './names.ts';
import { rootLife } from './family.ts';

/**
 * A large buffer on its way between a worker process and its host is a file in `/dev/shm`: written once, and mapped by its
 * receiver, who removes the name. It has a name so that the result of a worker that has ended since is still there.
 */
const form = /^manycore-\d+-\d+-large-\d+-[\da-f]{16}$/;

function prefix(worker: number): string {
  return `${prefixOf(rootLife())}large-${worker}-`;
}

/** Writes a buffer to where the other side finds it by the name. Undefined when there is no room: then it goes through the pipe. */
export function putLarge(bytes: Uint8Array, worker: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  // Not to be guessed it need not be: a file that is there already is not opened. `node:crypto` would cost each worker 3 ms.
  const name =
    prefix(worker) +
    Math.floor(Math.random() * 2 ** 52)
      .toString(16)
      .padStart(16, '0');
  const path = `${namesFolder}/${name}`;
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    return name;
  } catch {
    if (fd !== undefined) unlinkSync(path);
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The buffer that was put under a name. @throws when there is none of these bytes. */
export function takeLarge(name: string, bytes: number, allocate: (bytes: number) => ArrayBuffer): ArrayBuffer {
  if (!form.test(name)) throw new Error(`${JSON.stringify(name)} is not the name of a buffer.`);
  const path = `${namesFolder}/${name}`;
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    unlinkSync(path);
    // More than there is would end this process when it is touched.
    if (fstatSync(fd).size !== bytes) throw new Error(`The buffer ${name} is not of ${bytes} bytes.`);
    return map(fd, bytes) ?? read(fd, allocate(bytes));
  } finally {
    closeSync(fd);
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

/** Removes what is on its way to or from a worker that has ended. */
export function dropLarge(worker: number): void {
  if (process.platform === 'linux') removeThose((name) => name.startsWith(prefix(worker)));
}
