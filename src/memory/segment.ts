import { closeSync, constants, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { SharedMemoryError } from '../errors.ts';
import { requireNative, type Mapping } from '../native.ts';
import { retireKept } from './kept-files.ts';
import { isAlive, ownLife, type Life } from './life.ts';

/** Where a descriptor of a segment is open: `/proc` leads there while that thread lives. */
export interface Source extends Life {
  readonly fd: number;
}

/** What travels: a way to the segment. */
export interface SegmentReference {
  readonly token: number;
  readonly bytes: number;
  /** Those who have it: the sender first, then where the sender has it from. */
  readonly sources: readonly Source[];
}

/** Bytes at the start of each segment: the token, by which one is told from another file that has got its descriptor since. */
export const segmentHeader = 64;

/**
 * Memory in `/dev/shm` without a name: it is there as long as somebody has it, and gone with the last, however that ends. Others
 * open it by way of `/proc/<pid>/fd`, which asks for the same user.
 */
export class Segment {
  readonly bytes: number;
  readonly fd: number;
  readonly #token: number;
  readonly #mapping: Mapping;
  readonly #words: Int32Array;
  readonly #sources: readonly Source[];

  private constructor(fd: number, bytes: number, token: number | undefined, sources: readonly Source[]) {
    this.bytes = bytes;
    this.fd = fd;
    this.#mapping = mapping(fd, bytes);
    this.#words = wordsOf(this.#mapping.buffer);
    const header = new Float64Array(this.#mapping.buffer, 0, 1);
    this.#token = token ?? header[0]!;
    if (token !== undefined) header[0] = token;
    // Who sent it may have ended by the time that it is read from a queue: then the one who had it before is asked.
    this.#sources = [{ ...ownLife(), fd }, ...sources.slice(-2)];
    held.register(this, { fd, unmap: this.#mapping.unmap });
  }

  /** @throws SharedMemoryError when there is not enough memory. */
  static create(bytes: number): Segment {
    const size = bytes + segmentHeader;
    const fd = reserve('/dev/shm', constants.O_RDWR | O_TMPFILE, size);
    return new Segment(fd, size, randomInt(1, 2 ** 47), []);
  }

  /** @throws SharedMemoryError when nobody is left who has it. */
  static open({ token, bytes, sources }: SegmentReference): Segment {
    for (const source of sources) {
      const fd = openSource(source, bytes);
      if (fd === undefined) continue;
      const segment = new Segment(
        fd,
        bytes,
        undefined,
        sources.filter((other) => other !== source),
      );
      if (segment.#token === token) return segment;
    }
    throw new SharedMemoryError(
      'Cannot attach shared memory: the process that had it has ended. Keep it alive longer.',
    );
  }

  get reference(): SegmentReference {
    return { token: this.#token, bytes: this.bytes, sources: this.#sources };
  }

  get token(): number {
    return this.#token;
  }

  /** All of it, for what manycore keeps beside the objects. */
  get words(): Int32Array {
    return this.#words;
  }

  /** A buffer of its own over a part: it keeps the segment. */
  part(offset: number, bytes: number): ArrayBuffer {
    const buffer = this.#mapping.part(offset, bytes);
    parts.set(buffer, this);
    return buffer;
  }
}

/** The memory of a file that this one has opened; it is closed when it cannot be mapped. */
function mapping(fd: number, bytes: number): Mapping {
  try {
    return requireNative('Shared memory').map(fd, bytes);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** What can be reached as words: no array has more. */
export function wordsOf(buffer: ArrayBuffer): Int32Array {
  return new Int32Array(buffer, 0, Math.min(Math.floor(buffer.byteLength / 4), 2 ** 32 - 1));
}

const O_TMPFILE = 0o20200000;
/** Other errors are as rare as they are final. */
const ENOSPC = 28;

/** Nothing of it can be touched any more. */
const held = new FinalizationRegistry<{ readonly fd: number; readonly unmap: () => void }>(({ fd, unmap }) => {
  unmap();
  closeSync(fd);
});

const parts = new WeakMap<ArrayBuffer, Segment>();

/** Opens a new file in memory and takes all of its memory: later the first touch of a page could only end the process. */
export function reserve(path: string, flags: number, bytes: number): number {
  const native = requireNative('Shared memory');
  const fd = openSync(path, flags, 0o600);
  let errno = native.allocate(fd, bytes);
  if (errno === ENOSPC) {
    retireKept();
    errno = native.allocate(fd, bytes);
  }
  if (errno === 0) return fd;
  // What was taken before it failed.
  ftruncateSync(fd, 0);
  closeSync(fd);
  const code = errno === ENOSPC ? 'ENOSPC' : `errno ${errno}`;
  const cause = Object.assign(new Error(`${code}: posix_fallocate of ${bytes} bytes`), { code, errno: -errno });
  throw new SharedMemoryError(
    `Cannot take ${bytes} bytes of shared memory: ${code === 'ENOSPC' ? '/dev/shm is full. Make it larger (docker run --shm-size), or share less' : code}.`,
    { cause },
  );
}

function openSource(source: Source, bytes: number): number | undefined {
  if (!isAlive(source)) return undefined;
  let fd: number | undefined;
  try {
    fd = openSync(`/proc/${source.pid}/fd/${source.fd}`, constants.O_RDWR);
    // Less would end this process when it is touched.
    if (fstatSync(fd).size >= bytes) return fd;
  } catch {
    // It has been closed since, or belongs to somebody else.
  }
  if (fd !== undefined) closeSync(fd);
  return undefined;
}
