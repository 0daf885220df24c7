import { fstatSync, readSync, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { registry, type Importer } from '../closure/registry.ts';
import { setRoot } from '../memory/family.ts';
import type { Life } from '../memory/life.ts';
import { setNativeBinary } from '../native.ts';
import { guardAgainstOrphanhood } from './orphan-guard.ts';

/** Descriptors that the host opened for a worker process. 6 is the lifeline: see `channel/lifeline.ts`. */
const fromHost = 3;
const toHost = 4;
export const pageFile = 5;
export const handover = 7;

/** What the host sends at the start is mostly less than this. */
const firstBytes = 64 * 1024;

interface Argument {
  /** Whom we have to watch; undefined when the kernel does. */
  readonly hostPid?: number;
  readonly root?: Life;
  readonly pageBytes: number;
  readonly generation: number;
  readonly nativeBinary?: string;
  readonly keptOutput?: readonly number[];
}

/** What every worker process begins with. */
export function begin(importModule: Importer): Argument {
  const argument = JSON.parse(process.argv[2]!) as Argument;
  if (argument.hostPid !== undefined) guardAgainstOrphanhood(argument.hostPid);
  setNativeBinary(argument.nativeBinary);
  setRoot(argument.root);
  // Ctrl-C is the host's to handle; SIGUSR1 would open a debugger port.
  process.on('SIGINT', ignore);
  process.on('SIGUSR1', () => {});
  registry.import = importModule;
  return argument;
}

let socket: Socket | undefined;
let released = false;

function ignore(): void {}

/** The channel does not keep this process alive any more, and SIGINT is the user's. */
export function release(): void {
  released = true;
  socket?.unref();
  process.off('SIGINT', ignore);
}

// This end of the pipe is in blocking mode: when a write returns, the answer is in the kernel's hands and survives our death.
export function write(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(toHost, bytes, at, bytes.length - at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') continue;
      // Nobody listens any more: the host is gone, or has given us up.
      process.exit(1);
    }
  }
}

export function listen(take: (chunk: Buffer) => void): void {
  // The host's first frames are there by now; to read them takes neither the event loop nor its sockets, which load for 2 ms.
  const first = readFirst();
  if (first.length === 0 && !fstatSync(fromHost).isSocket()) throw new Error('The channel to the host is missing.');
  take(first);
  // To a Process nothing more is sent.
  if (released) return;
  setImmediate(() => {
    if (released) return;
    const net = process.getBuiltinModule('node:net');
    socket = new net.Socket({ fd: fromHost, readable: true, writable: false });
    socket.on('data', take);
    socket.on('error', () => process.exit(1));
    socket.on('close', () => process.exit(0));
  });
}

function readFirst(): Buffer {
  const chunk = Buffer.allocUnsafe(firstBytes);
  try {
    return chunk.subarray(0, readSync(fromHost, chunk));
  } catch {
    // Where reading does not wait, there may be nothing yet.
    return chunk.subarray(0, 0);
  }
}
