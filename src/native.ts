import { constants } from 'node:buffer';
import { SharedMemoryError } from './errors.ts';
import { noteMapping } from './mappings.ts';
import { createRequire } from './node-module.ts';
import { unbroken } from './unbroken.ts';

/** The only file that knows koffi: libc for what Node has no call for. All of it is optional; see `native`. */
export interface Native {
  /** Maps `bytes` of an open file into memory shared with all who map it. */
  map(fd: number, bytes: number): Mapping;
  /** Gives back what a thread had mapped that is gone. */
  unmap(address: bigint, bytes: number): void;
  /** Takes memory for a file now, so that touching it later cannot fail. Returns 0 or the number of the error (Linux). */
  allocate(fd: number, bytes: number): number;
  /** Gives back the memory of a part of a file, which reads as zeros then (Linux). */
  punch(fd: number, offset: number, bytes: number): void;
  /** Sleeps while a word of mapped memory is `expected`, until somebody wakes it or `ms` are over (Linux). */
  futexWait(word: Int32Array, expected: number, ms: number): void;
  /** Wakes those that sleep on a word of mapped memory (Linux). */
  futexWake(word: Int32Array): void;
  /** A pipe whose ends no child process inherits and that never block: where to read, where to write (Linux). */
  pipe(): readonly [number, number];
  /** Opens a file for who closes it otherwise than by `closeSync`, such as a socket: Node does not count it. -1 when that fails. */
  open(path: string, flags: number): number;
  /** Closes a descriptor that Node has not opened. */
  close(fd: number): void;
  /** Sockets that have the kernel kill a group of processes: see `channel/lifeline.ts` (Linux). */
  readonly lifeline?: LifelineCalls;
  /** Has a thread (0: the calling one) run on these cores only (Linux). False when that is not possible. */
  setAffinity(thread: number, cpus: readonly number[]): boolean;
  /** Blocks until a descriptor is ready, a signal comes, or `ms` are over. Returns those that are ready. */
  poll(watched: readonly Watched[], ms: number): ReadonlySet<number>;
  /** How a child ended that nobody has reaped yet, which is left to others; undefined while it runs (Linux). */
  readonly exitOf?: (pid: number) => { readonly exitCode: number | null; readonly signal: string | null } | undefined;
  /** Reads from a socket what is there at this moment; how many bytes, at most 0 when there is nothing. */
  receiveNow(fd: number, into: Uint8Array): number;
  /** Open files for other processes (Linux). */
  readonly descriptors?: DescriptorCalls;
}

export interface DescriptorCalls {
  /** The two ends of a socket that carries descriptors; a process that is started inherits neither, unless it is given one. */
  pair(): readonly [number, number];
  /** Sends descriptors, at most `maxAtOnce`, the first of them under a number. False when the socket is full. */
  send(socket: number, first: number, fds: readonly number[]): boolean;
  /** What came next, or undefined. There are fewer than were sent when this process cannot have more. */
  receive(socket: number): { readonly first: number; readonly fds: readonly number[] } | undefined;
  duplicate(fd: number): number;
  close(fd: number): void;
  readonly maxAtOnce: number;
}

export interface LifelineCalls {
  /** Two ends; when the first is closed, the group that owns the second is killed. A process that is started inherits neither, unless it is given one. */
  pair(): readonly [number, number];
  own(fd: number, group: number): void;
  close(fd: number): void;
}

/** A descriptor that is to be waited for: to read, or to write. */
export interface Watched {
  readonly fd: number;
  readonly write: boolean;
}

export interface Mapping {
  readonly buffer: ArrayBuffer;
  /** A buffer of its own over a part. */
  part(offset: number, bytes: number): ArrayBuffer;
  /** Maps all pages that the file has at once, which costs a sixth of a fault for each; without effect before Linux 5.14. */
  populate(): void;
  /** Gives back the memory of the first `bytes` of the file, for all who map it: they read as zeros then (Linux). */
  discard(bytes: number): void;
  /** Gives the memory back. Nothing may touch `buffer` afterwards. */
  unmap(): void;
}

interface Koffi {
  load(library: string | null): { func(prototype: string): (...args: unknown[]) => unknown };
  address(memory: Buffer): bigint;
  errno(): number;
  view(pointer: unknown, bytes: number): ArrayBuffer;
}

let native: Native | null | undefined;

/** koffi's binary, as far as it is known. A worker is told by its host: to find it takes 2 ms, to load it 1. */
export let nativeBinary: string | undefined;

/** For a worker at its start: what `nativeBinary` is in the host. */
export function setNativeBinary(binary: string | undefined): void {
  nativeBinary = binary;
}

/** The native calls, or undefined where koffi or the platform's library is missing. The first call loads them. */
export function loadNative(): Native | undefined {
  if (native === undefined) {
    try {
      const load = (): Native => bind(nativeBinary === undefined ? findKoffi() : open(nativeBinary));
      native = process.platform === 'win32' ? null : unbroken(load);
    } catch {
      native = null;
    }
  }
  return native ?? undefined;
}

/** @throws SharedMemoryError where the native calls cannot be had. */
export function requireNative(what: string): Native {
  const found = process.platform === 'linux' ? loadNative() : undefined;
  if (found !== undefined) return found;
  throw new SharedMemoryError(
    `${what} between processes takes Linux and the package koffi with its binary for ${process.platform}-${process.arch}, which cannot be loaded here.`,
  );
}

/** Not by way of the package, which takes 10 ms: it looks for compilers and parses its options. */
function findKoffi(): Koffi {
  const require = createRequire(import.meta.url);
  const { platform, arch } = process;
  const inside = createRequire(require.resolve('koffi'));
  for (const libc of platform === 'linux' ? ['linux', 'musl'] : [platform]) {
    try {
      return open(inside.resolve(`@koromix/koffi-${platform}-${arch}/${libc}_${arch}/koffi.node`));
    } catch {
      // The other C library, or a platform whose package is laid out differently.
    }
  }
  return require('koffi') as Koffi;
}

function open(binary: string): Koffi {
  const module = { exports: {} };
  process.dlopen(module, binary);
  nativeBinary = binary;
  return module.exports as Koffi;
}

const PROT_READ_WRITE = 1 | 2;
const MAP_SHARED = 1;
const MADV_REMOVE = 9;
const MADV_POPULATE_READ = 22;
const F_SETFL = 4;
const F_SETOWN = 8;
const F_SETSIG = 10;
const O_NONBLOCK = 0o4000;
const O_ASYNC = 0o20000;
const O_CLOEXEC = 0o2000000;
const SIGKILL = 9;
const POLLIN = 1;
const POLLOUT = 4;
const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
const CLD_EXITED = 1;
/** Of Linux's `siginfo_t`. */
const siginfo = { bytes: 128, code: 8, pid: 16, status: 24 } as const;
/** Of `struct pollfd`. */
const pollfd = { bytes: 8, events: 4 } as const;
const SYS_FUTEX = process.arch === 'arm64' ? 98 : 202;
const PUNCH_HOLE_KEEP_SIZE = 3;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const everybody = 2 ** 31 - 1;
const MSG_DONTWAIT = process.platform === 'darwin' ? 0x80 : 0x40;

function bind(koffi: Koffi): Native {
  const libc = koffi.load(process.platform === 'linux' ? null : 'libc.dylib');
  const mmap = libc.func('void *mmap(void *, size_t, int, int, int, int64_t)');
  const munmap = libc.func('int munmap(void *, size_t)');
  // Each is looked up when it is first called: a worker that needs none of them must not wait for it.
  const lazily = (prototype: string): ((...args: unknown[]) => number) => {
    let call: ((...args: unknown[]) => unknown) | undefined;
    return (...args) => Number((call ??= unbroken(() => libc.func(prototype)))(...args));
  };
  const poll = lazily('int poll(void *, ulong, int)');
  const waitid = lazily('int waitid(int, uint, void *, int)');
  const receive = lazily('int64_t recv(int, void *, size_t, int)');
  const exitOf: Native['exitOf'] = (pid) => {
    const info = Buffer.alloc(siginfo.bytes);
    const found = waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT) === 0;
    if (!found || info.readInt32LE(siginfo.pid) !== pid) return undefined;
    const status = info.readInt32LE(siginfo.status);
    if (info.readInt32LE(siginfo.code) === CLD_EXITED) return { exitCode: status, signal: null };
    const names = Object.entries(process.getBuiltinModule('node:os').constants.signals);
    return { exitCode: null, signal: names.find(([, number]) => number === status)?.[0] ?? `SIG${status}` };
  };
  const madvise = lazily('int madvise(void *, size_t, int)');
  const fallocate = lazily('int posix_fallocate(int, int64_t, int64_t)');
  const punch = lazily('int fallocate(int, int, int64_t, int64_t)');
  const futex = lazily('int64_t syscall(int64_t, void *, int, int, void *, void *, int)');
  const pipe2 = lazily('int pipe2(void *, int)');
  const openFile = lazily('int open(const char *, int)');
  const close = lazily('int close(int)');
  const limit = new BigInt64Array(2);
  return {
    ...(process.platform === 'linux' && {
      exitOf,
      descriptors: bindDescriptors(koffi, lazily),
      lifeline: bindLifeline(lazily),
    }),
    receiveNow: (fd, into) => receive(fd, into, into.length, MSG_DONTWAIT),
    map(fd, bytes) {
      // To make a larger one would end the program.
      if (bytes > constants.MAX_LENGTH)
        throw new SharedMemoryError(
          `Cannot map ${bytes} bytes of shared memory: this version of Node has no buffers of more than ${constants.MAX_LENGTH}.`,
        );
      const [pointer, forget] = unbroken(() => {
        const address = mmap(null, bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0) as bigint;
        if (address === 0xffff_ffff_ffff_ffffn) throw systemError(`map ${bytes} bytes`, koffi.errno());
        return [address, noteMapping(address, bytes)];
      });
      return {
        buffer: inPlace(unbroken(() => koffi.view(pointer, bytes))),
        part: (offset, length) => inPlace(unbroken(() => koffi.view(pointer + BigInt(offset), length))),
        populate: () => void madvise(pointer, bytes, MADV_POPULATE_READ),
        discard: (length) => void madvise(pointer, length, MADV_REMOVE),
        unmap: () => {
          // Before: it may be another one's afterwards.
          forget();
          munmap(pointer, bytes);
        },
      };
    },
    unmap: (address, bytes) => void munmap(address, bytes),
    allocate: (fd, bytes) => fallocate(fd, 0, bytes),
    punch: (fd, offset, bytes) => void punch(fd, PUNCH_HOLE_KEEP_SIZE, offset, bytes),
    futexWait(word, expected, ms) {
      const nanoseconds = Math.ceil(Math.min(ms, 1e9) * 1e6);
      limit[0] = BigInt(Math.floor(nanoseconds / 1e9));
      limit[1] = BigInt(nanoseconds % 1e9);
      futex(SYS_FUTEX, word, FUTEX_WAIT, expected, limit, null, 0);
    },
    futexWake: (word) => void futex(SYS_FUTEX, word, FUTEX_WAKE, everybody, null, null, 0),
    pipe() {
      const ends = new Int32Array(2);
      if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) !== 0) throw systemError('make a pipe', koffi.errno());
      return [ends[0]!, ends[1]!];
    },
    open: (path, flags) => openFile(path, flags | O_CLOEXEC),
    close: (fd) => void close(fd),
    setAffinity(thread, cpus) {
      if (process.platform !== 'linux') return false;
      const mask = Buffer.alloc(Math.ceil((Math.max(...cpus) + 1) / 64) * 8);
      for (const cpu of cpus) mask[cpu >> 3]! |= 1 << (cpu & 7);
      return lazily('int sched_setaffinity(int, size_t, void *)')(thread, mask.length, mask) === 0;
    },
    poll(watched, ms) {
      const list = Buffer.alloc(watched.length * pollfd.bytes);
      for (const [i, { fd, write }] of watched.entries()) {
        list.writeInt32LE(fd, i * pollfd.bytes);
        list.writeInt16LE(write ? POLLOUT : POLLIN, i * pollfd.bytes + pollfd.events);
      }
      const ready = new Set<number>();
      if (poll(list, watched.length, ms) <= 0) return ready;
      for (const [i, { fd }] of watched.entries())
        if (list.readInt16LE(i * pollfd.bytes + pollfd.events + 2) !== 0) ready.add(fd);
      return ready;
    },
  };
}

function systemError(what: string, errno: number): SharedMemoryError {
  const numbers = process.getBuiltinModule('node:os').constants.errno;
  const code = Object.entries(numbers).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
  const cause = Object.assign(new Error(`${code}: cannot ${what}`), { code, errno: -errno });
  return new SharedMemoryError(`Cannot ${what} for shared memory: ${code}.`, { cause });
}

const mapped = new WeakSet<object>();

/** Whether a buffer is over mapped memory: it can only be copied, not moved. */
export function isMapped(buffer: object): boolean {
  return mapped.has(buffer);
}

/**
 * A moved buffer would have the memory but not keep the mapping: `transfer()` copies. `postMessage` and `structuredClone` move no
 * memory that an addon has made; to mark it so once more ends Node 24 with a fatal error at its exit.
 */
function inPlace(buffer: ArrayBuffer): ArrayBuffer {
  mapped.add(buffer);
  for (const key of ['transfer', 'transferToFixedLength']) {
    const original: unknown = Reflect.get(buffer, key);
    if (typeof original !== 'function') continue;
    Object.defineProperty(buffer, key, {
      value(this: ArrayBuffer, ...length: number[]): unknown {
        const copy = this.slice(0);
        Reflect.apply(original, this, [0]);
        return Reflect.apply(original, copy, length);
      },
    });
  }
  return buffer;
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const F_DUPFD_CLOEXEC = 1030;
const ETOOMANYREFS = 109;
/** Of Linux's `struct msghdr`, `iovec` and `cmsghdr`. */
const msghdr = { bytes: 56, parts: 16, partCount: 24, control: 32, controlBytes: 40 } as const;
const iovec = { bytes: 16, length: 8 } as const;
const cmsghdr = { bytes: 16, level: 8, type: 12 } as const;
/** The kernel's limit for one message. */
const maxAtOnce = 253;

type Call = (...args: unknown[]) => number;

function bindLifeline(lazily: (prototype: string) => Call): LifelineCalls {
  const socketpair = lazily('int socketpair(int, int, int, void *)');
  const fcntl = lazily('int fcntl(int, int, ...)');
  const close = lazily('int close(int)');
  const set = (fd: number, command: number, argument: number): boolean => fcntl(fd, command, 'int', argument) === 0;
  return {
    pair() {
      const ends = new Int32Array(2);
      if (socketpair(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, ends) !== 0) throw new Error('socketpair failed');
      const [first, second] = [ends[0]!, ends[1]!];
      if (set(second, F_SETSIG, SIGKILL) && set(second, F_SETFL, O_ASYNC)) return [first, second];
      close(first);
      close(second);
      throw new Error('fcntl failed');
    },
    // Fails when there is no such group any more.
    own: (fd, group) => void set(fd, F_SETOWN, -group),
    close: (fd) => void close(fd),
  };
}

function bindDescriptors(koffi: Koffi, lazily: (prototype: string) => Call): DescriptorCalls {
  const socketpair = lazily('int socketpair(int, int, int, void *)');
  const sendmsg = lazily('int64_t sendmsg(int, void *, int)');
  const recvmsg = lazily('int64_t recvmsg(int, void *, int)');
  const fcntl = lazily('int fcntl(int, int, ...)');
  const close = lazily('int close(int)');
  const failed = (what: string): Error => new Error(`${what} failed with error ${koffi.errno()}`);
  /** One part and its control data, which outlive the call. */
  const exchange = (call: Call, socket: number, part: Buffer, control: Buffer, flags: number): number => {
    const parts = Buffer.alloc(iovec.bytes);
    parts.writeBigUInt64LE(koffi.address(part));
    parts.writeUInt32LE(part.length, iovec.length);
    const message = Buffer.alloc(msghdr.bytes);
    message.writeBigUInt64LE(koffi.address(parts), msghdr.parts);
    message.writeUInt32LE(1, msghdr.partCount);
    message.writeBigUInt64LE(koffi.address(control), msghdr.control);
    message.writeUInt32LE(control.length, msghdr.controlBytes);
    return call(socket, message, flags);
  };
  return {
    maxAtOnce,
    pair() {
      const ends = new Int32Array(2);
      const type = SOCK_SEQPACKET | O_CLOEXEC;
      if (socketpair(AF_UNIX, type, 0, ends) !== 0) throw failed('socketpair');
      return [ends[0]!, ends[1]!];
    },
    send(socket, first, fds) {
      const part = Buffer.alloc(4);
      part.writeUInt32LE(first);
      const bytes = cmsghdr.bytes + fds.length * 4;
      const control = Buffer.alloc(Math.ceil(bytes / 8) * 8);
      control.writeUInt32LE(bytes);
      control.writeInt32LE(SOL_SOCKET, cmsghdr.level);
      control.writeInt32LE(SCM_RIGHTS, cmsghdr.type);
      for (const [i, fd] of fds.entries()) control.writeInt32LE(fd, cmsghdr.bytes + i * 4);
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      if (exchange(sendmsg, socket, part, control, flags) >= 0) return true;
      const error = koffi.errno();
      if (error === process.getBuiltinModule('node:os').constants.errno.EAGAIN || error === ETOOMANYREFS) return false;
      throw failed('sendmsg');
    },
    receive(socket) {
      const part = Buffer.alloc(4);
      const control = Buffer.alloc(cmsghdr.bytes + Math.ceil(maxAtOnce / 2) * 8);
      const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
      if (exchange(recvmsg, socket, part, control, flags) !== part.length) return undefined;
      const count = Math.max(0, control.readUInt32LE() - cmsghdr.bytes) / 4;
      const fds = Array.from({ length: count }, (_, i) => control.readInt32LE(cmsghdr.bytes + i * 4));
      return { first: part.readUInt32LE(), fds };
    },
    duplicate(fd) {
      const copy = fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0);
      if (copy < 0) throw failed('fcntl');
      return copy;
    },
    close: (fd) => void close(fd),
  };
}
