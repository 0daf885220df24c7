import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs';
import { checkKeys, show } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError, SharedMemoryError } from '../errors.ts';
import { forgetFile, nameFile, newName, pathOf, tidyNames } from '../memory/names.ts';
import { reserve } from '../memory/segment.ts';
import { requireNative } from '../native.ts';
import { inspectAs } from '../inspection.ts';
import { travelsAs } from '../wire/shared.ts';

/** Options of a `SharedMemory`. */
export interface SharedMemoryOptions {
  /** Its name: a new one without. To attach, the name of one that is there. */
  readonly name?: string;
  /** Makes it; otherwise one that is there is attached. Default: false. */
  readonly create?: boolean;
  /** Bytes, to create it. */
  readonly size?: number;
  /** Whether it is removed when the program ends that has created it. Default: true. */
  readonly track?: boolean;
}

/**
 * A block of memory with a name: any process of this user that knows the name can attach it, Python's `SharedMemory` as well. An argument or
 * a result of a task arrives attached to the same memory. Python: `multiprocessing.shared_memory.SharedMemory`.
 *
 * The memory is there until `unlink()`, or until the program that has created it ends.
 *
 * @example
 * ```ts
 * import { Pool, SharedMemory } from 'manycore';
 * await using pool = new Pool(2);
 * using memory = new SharedMemory({ create: true, size: 8 });
 * await pool.apply((shared: SharedMemory) => void new Float64Array(shared.buffer).fill(1.5), [memory]);
 * console.log(new Float64Array(memory.buffer)[0]); // 1.5
 * memory.unlink();
 * ```
 */
export class SharedMemory {
  readonly #name: string;
  readonly #size: number;
  readonly #inode: number;
  #buffer: ArrayBuffer | undefined;
  #bytes: Uint8Array | undefined;

  /**
   * @throws ArgumentRangeError for a size that cannot be; SharedMemoryError when the name is taken or missing, or when there is no memory left: `cause`
   *   has the system's error with its code (`EEXIST`, `ENOENT`, `ENOSPC`).
   */
  constructor(options: SharedMemoryOptions) {
    checkKeys('SharedMemory', options, ['name', 'create', 'size', 'track']);
    const { name, create = false, size, track = true } = options;
    checkName(name);
    tidyNames();
    if (create) {
      checkSize(size);
      const made = make(name, size, track);
      this.#name = made.name;
      this.#size = size;
      try {
        this.#inode = this.#map(made.fd);
      } catch (error) {
        unlinkSync(pathOf(made.name));
        throw error;
      }
    } else {
      if (name === undefined)
        throw new ArgumentTypeError(
          'Cannot attach shared memory without a name. Say { create: true, size } to make some.',
        );
      const fd = open(name, constants.O_RDWR);
      this.#name = name;
      this.#size = fstatSync(fd).size;
      this.#inode = this.#map(fd);
    }
  }

  #map(fd: number): number {
    try {
      if (this.#size === 0)
        throw new SharedMemoryError(`Cannot attach shared memory ${show(this.#name)}: it is empty.`);
      const mapping = requireNative('Shared memory').map(fd, this.#size);
      mapped.register(mapping.buffer, mapping.unmap);
      this.#buffer = mapping.buffer;
      this.#bytes = new Uint8Array(mapping.buffer);
      return fstatSync(fd).ino;
    } finally {
      closeSync(fd);
    }
  }

  /** Python: `name`. */
  get name(): string {
    return this.#name;
  }

  /** Its bytes, as many as were asked for. Python: `size`. */
  get size(): number {
    return this.#size;
  }

  /**
   * The memory, for typed arrays over it. Python: `buf`.
   *
   * @throws SharedMemoryError after `close()`.
   */
  get buffer(): ArrayBuffer {
    if (this.#buffer === undefined)
      throw new SharedMemoryError(`Cannot use shared memory ${show(this.#name)}: it was closed here.`);
    return this.#buffer;
  }

  /** The memory byte by byte. Python: `buf`. */
  get bytes(): Uint8Array {
    void this.buffer;
    return this.#bytes!;
  }

  /**
   * Lets go of the memory here; it stays for the others. Arrays over it stay valid, and it is unmapped with the last of them. Twice is once.
   * Python: `close()`.
   */
  close(): void {
    this.#buffer = undefined;
    this.#bytes = undefined;
  }

  /**
   * Removes the name: nobody can attach it any more; whoever has it goes on. Python: `unlink()`.
   *
   * @throws SharedMemoryError when there is none of this name any more.
   */
  unlink(): void {
    try {
      unlinkSync(pathOf(this.#name));
    } catch (error) {
      throw failure('unlink', this.#name, error as NodeJS.ErrnoException);
    }
    forgetFile(this.#inode);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

inspectAs(SharedMemory, (memory: SharedMemory) => `SharedMemory(${JSON.stringify(memory.name)}, size=${memory.size})`);

travelsAs(SharedMemory, {
  stateOf: (memory) => memory.name,
  attach: (Class, name: string) =>
    new (Class as unknown as new (options: SharedMemoryOptions) => SharedMemory)({ name }),
});

/** Nothing is unmapped that could still be touched. */
const mapped = new FinalizationRegistry<() => void>((unmap) => unmap());

function make(
  chosen: string | undefined,
  size: number,
  track: boolean,
): { readonly name: string; readonly fd: number } {
  if (chosen !== undefined && !track) return { name: chosen, fd: makeFile(chosen, size) };
  const first = makeNew(size);
  if (chosen === undefined) return first;
  try {
    nameFile(first.name, chosen);
    return { name: chosen, fd: first.fd };
  } catch (error) {
    closeSync(first.fd);
    throw failure('create', chosen, error as NodeJS.ErrnoException);
  }
}

function makeNew(size: number): { readonly name: string; readonly fd: number } {
  for (;;) {
    const name = newName();
    try {
      return { name, fd: makeFile(name, size) };
    } catch (error) {
      if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code !== 'EEXIST') throw error;
    }
  }
}

function makeFile(name: string, size: number): number {
  try {
    return reserve(pathOf(name), constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, size);
  } catch (error) {
    if (!(error instanceof SharedMemoryError)) throw failure('create', name, error as NodeJS.ErrnoException);
    // Its name is there, its memory is not; without koffi there is neither.
    if (error.cause !== undefined) unlinkSync(pathOf(name));
    throw error;
  }
}

function open(name: string, flags: number): number {
  try {
    return openSync(pathOf(name), flags);
  } catch (error) {
    throw failure('attach', name, error as NodeJS.ErrnoException);
  }
}

function failure(verb: string, name: string, cause: NodeJS.ErrnoException): SharedMemoryError {
  const reasons: Record<string, string> = {
    EEXIST: 'there is one already. Attach it, or choose another name',
    ENOENT: 'there is none of this name',
    EACCES: "it is another user's",
  };
  return new SharedMemoryError(
    `Cannot ${verb} shared memory ${show(name)}: ${reasons[cause.code ?? ''] ?? cause.message}.`,
    { cause },
  );
}

function checkName(name: unknown): void {
  if (name === undefined) return;
  if (typeof name !== 'string') throw new ArgumentTypeError(`Cannot use name ${show(name)}: expected a string.`);
  if (
    name === '' ||
    name === '.' ||
    name === '..' ||
    /[/\0]/.test(name) ||
    Buffer.byteLength(name) > 100 ||
    !isText(name)
  )
    throw new ArgumentRangeError(`Cannot use name ${show(name)}: expected 1 to 100 bytes without "/" and NUL.`);
}

/** The two halves of a character that are not together have no bytes. */
function isText(name: string): boolean {
  return Buffer.from(name).toString() === name;
}

function checkSize(size: unknown): asserts size is number {
  if (typeof size === 'number' && Number.isSafeInteger(size) && size > 0) return;
  if (size !== undefined && typeof size !== 'number')
    throw new ArgumentTypeError(`Cannot use size ${show(size)}: expected a number of bytes.`);
  throw new ArgumentRangeError(
    `Cannot create shared memory of size ${show(size)}: expected a whole number of bytes of at least 1.`,
  );
}
