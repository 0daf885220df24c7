import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { requireNative } from '../native.ts';
import { unbroken } from '../unbroken.ts';

/** What its thread has open, and which pipe that is: another file may have the descriptor later. */
export interface PipeEnd {
  readonly fd: number;
  readonly inode: number;
}

/** A pipe's number as it is kept in a word. */
export function inodeOf({ ino }: { readonly ino: number }): number {
  return ino | 0;
}

/**
 * By what others wake this thread's event loop, and by what they see its end: two pipes, found by way of `/proc/<pid>/fd`. They
 * take no slot of the thread pool, and a thread that waits for a ring takes no time.
 */
interface Bell {
  /** Others write a byte into this one. */
  readonly doorbell: PipeEnd;
  /** Others read this one: it ends with this thread, for nobody else has the end that is written to. */
  readonly lifeline: PipeEnd;
  readonly socket: Socket;
}

let bell: Bell | undefined;
const listeners = new Set<() => void>();

/** @throws SharedMemoryError where there is none. */
export function ownBell(): Bell {
  // A thread that were terminated in the middle would leave a lifeline that never ends.
  bell ??= unbroken(hang);
  return bell;
}

function hang(): Bell {
  const native = requireNative('Waiting for others');
  const [doorbellFd, ownDoorbellFd] = native.pipe();
  // Without one who could write, there is nothing to read. Whoever rings opens an end of its own.
  keepOpen(ownDoorbellFd);
  const [read, lifelineFd] = native.pipe();
  native.close(read);
  keepOpen(lifelineFd);
  const socket = new Socket({ fd: doorbellFd, readable: true, writable: false });
  socket.on('data', () => {
    listeners.forEach((listener) => listener());
  });
  socket.on('error', ignore).unref();
  return { doorbell: pipeEnd(doorbellFd), lifeline: pipeEnd(lifelineFd), socket };
}

function pipeEnd(fd: number): PipeEnd {
  return { fd, inode: inodeOf(fstatSync(fd)) };
}

/** Node closes a socket's descriptor at the end of its thread; one that it does not know stays open in the process. */
function keepOpen(fd: number): void {
  new Socket({ fd, readable: false, writable: true }).on('error', ignore).unref();
}

/** Calls back whenever this thread is rung, and keeps the program alive until the function returned is called. */
export function onRing(listener: () => void): () => void {
  const { socket } = ownBell();
  listeners.add(listener);
  socket.ref();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) socket.unref();
  };
}

function ignore(): void {}
