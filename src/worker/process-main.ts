import { fstatSync, readSync, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { noPage, openPage } from '../channel/status-page.ts';
import { registry, type Importer } from '../closure/registry.ts';
import { setRoot } from '../memory/family.ts';
import { LargeBuffers } from '../memory/large.ts';
import type { Life } from '../memory/life.ts';
import { loadNative } from '../native.ts';
import { Encoder, type Attachment } from '../wire/encoder.ts';
import { FrameAssembler, frameAround, frameHead } from '../wire/frame.ts';
import { detach } from '../wire/transfer.ts';
import { InheritedDescriptors } from './descriptors.ts';
import { createWorkerReader } from './lazy-reader.ts';
import { guardAgainstOrphanhood } from './orphan-guard.ts';
import { Runtime } from './runtime.ts';

/** Descriptors that the host opened for us. */
const fromHost = 3;
const toHost = 4;
const pageFile = 5;
const lifeline = 6;
const handover = 7;

/** What the host sends at the start is mostly less than this. */
const firstBytes = 64 * 1024;

interface Argument {
  readonly hostPid: number;
  readonly root?: Life;
  readonly pageBytes: number;
  readonly generation: number;
  readonly nativeBinary?: string;
  readonly keptOutput?: readonly number[];
}

const large = new LargeBuffers(process.pid);

export function start(importModule: Importer): void {
  const { hostPid, root, pageBytes, generation, nativeBinary, keptOutput } = JSON.parse(process.argv[2]!) as Argument;
  guardAgainstOrphanhood(hostPid, lifeline, loadNative(nativeBinary));
  setRoot(root);
  // Ctrl-C is the host's to handle; SIGUSR1 would open a debugger port.
  process.on('SIGINT', ignore);
  process.on('SIGUSR1', () => {});
  registry.import = importModule;
  const page = pageBytes === 0 ? noPage() : openPage(pageFile, pageBytes);
  const sayIfHungry = (): void => {
    if (page.takeHungry()) write(frameHead(generation, 0));
  };
  const runtime = new Runtime({
    isThread: false,
    page,
    encoder: new Encoder(createWorkerReader(), false),
    send: (parts, attachments) => send(generation, parts, attachments),
    descriptors: new InheritedDescriptors(handover, sayIfHungry),
    keptOutput,
    release: () => {
      released = true;
      socket?.unref();
      process.off('SIGINT', ignore);
    },
    exit: () => process.exit(0),
    memory: () => process.memoryUsage.rss() - large.freeBytes,
  });
  const assembler = new FrameAssembler(generation, (body, attachments) => runtime.accept(body, attachments), large);
  listen((chunk) => {
    // Before it is worked on: the host can fill the socket again meanwhile.
    sayIfHungry();
    assembler.push(chunk);
  });
}

let socket: Socket | undefined;
let released = false;

function ignore(): void {}

// This end of the pipe is in blocking mode: when a write returns, the answer is in the kernel's hands and survives our death.
function send(generation: number, parts: readonly Buffer[], attachments: readonly Attachment[]): void {
  const buffers = attachments.map(({ buffer, moves }) => (moves ? detach(buffer as ArrayBuffer) : buffer));
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const { head, tail } = frameAround(generation, bytes, buffers, large);
  if (bytes < 4_096) write(Buffer.concat([head, ...parts]));
  else for (const part of [head, ...parts]) write(part);
  for (const part of tail) write(part);
}

function write(bytes: Uint8Array): void {
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

function listen(take: (chunk: Buffer) => void): void {
  if (!fstatSync(fromHost).isSocket()) throw new Error('The channel to the host is missing.');
  // The host's first frames are there by now; to read them takes neither the event loop nor its sockets, which load for 2 ms.
  take(readFirst());
  setImmediate(() => {
    // To a Process nothing more is sent.
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
