import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { openPage } from '../channel/status-page.ts';
import { createWorkerReader } from './lazy-reader.ts';
import { loadNative } from '../native.ts';
import { Encoder, type Attachment } from '../wire/encoder.ts';
import { FrameAssembler, frameHead } from '../wire/frame.ts';
import { detach } from '../wire/transfer.ts';
import { Runtime } from './runtime.ts';
import { guardAgainstOrphanhood } from './orphan-guard.ts';

/** Descriptors that the host opened for us. */
const fromHost = 3;
const toHost = 4;
const pageFile = 5;
const lifeline = 6;

interface Argument {
  readonly hostPid: number;
  readonly pageBytes: number;
  readonly generation: number;
}

const argument = process.argv[2];
if (argument === undefined) throw new Error('This file is started by manycore, not by hand.');
const { hostPid, pageBytes, generation } = JSON.parse(argument) as Argument;
guardAgainstOrphanhood(hostPid, lifeline, loadNative());
// Ctrl-C is the host's to handle; SIGUSR1 would open a debugger port.
process.on('SIGINT', () => {});
process.on('SIGUSR1', () => {});

const runtime = new Runtime({
  page: openPage(pageFile, pageBytes),
  encoder: new Encoder(createWorkerReader(), false),
  send,
  exit: () => process.exit(0),
  memory: () => process.memoryUsage.rss(),
});

// This end of the pipe is in blocking mode: when a write returns, the answer is in the kernel's hands and survives our death.
function send(parts: readonly Buffer[], attachments: readonly Attachment[]): void {
  const buffers = attachments.map(({ buffer, moves }) => (moves ? detach(buffer as ArrayBuffer) : buffer));
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const head = frameHead(generation, bytes, buffers);
  if (bytes < 4_096) write(Buffer.concat([head, ...parts]));
  else for (const part of [head, ...parts]) write(part);
  for (const buffer of buffers) write(new Uint8Array(buffer));
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

if (!fstatSync(fromHost).isSocket()) throw new Error('The channel to the host is missing.');
const assembler = new FrameAssembler(generation, (body, attachments) => runtime.accept(body, attachments));
const socket = new Socket({ fd: fromHost, readable: true, writable: false });
socket.on('data', (chunk) => assembler.push(chunk));
socket.on('error', () => process.exit(1));
socket.on('close', () => process.exit(0));
