import { readSync } from 'node:fs';
import type { Ready } from '../blocking/block.ts';
import { descriptorOf } from '../wire/sockets.ts';

const chunkBytes = 64 * 1024;
/** In one go; what else there is waits for the others' turn. */
const chunksAtOnce = 16;
let scratch = Buffer.allocUnsafeSlow(0);

export function isReady(ready: Ready, stream: unknown): boolean {
  const fd = descriptorOf(stream);
  return fd !== undefined && ready.has(fd);
}

/** Reads what there is, past the event loop. Returns whether it has ended. */
export function drain(stream: unknown, take: (chunk: Buffer) => void): boolean {
  for (let i = 0; i < chunksAtOnce; i++) {
    const fd = descriptorOf(stream);
    if (fd === undefined) return true;
    if (scratch.length === 0) scratch = Buffer.allocUnsafeSlow(chunkBytes);
    const chunk = scratch;
    let bytes: number;
    try {
      bytes = readSync(fd, chunk);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'EAGAIN';
    }
    if (bytes === 0) return true;
    // The receiver keeps it: a small one is copied, a large one is given away.
    if (bytes * 4 < chunkBytes) take(Buffer.from(chunk.subarray(0, bytes)));
    else {
      scratch = Buffer.allocUnsafeSlow(0);
      take(chunk.subarray(0, bytes));
    }
    if (bytes < chunkBytes) return false;
  }
  return false;
}
