import type { MessagePort } from 'node:worker_threads';
import { isMainThread, workerData } from 'node:worker_threads';
import { MemoryPage } from '../channel/status-page.ts';
import { movedWith, type ThreadFrame } from '../channel/thread-frame.ts';
import { createWorkerReader } from './lazy-reader.ts';
import { Encoder, type Attachment } from '../wire/encoder.ts';
import { Runtime } from './runtime.ts';

interface ThreadData {
  readonly manycore: { readonly port: MessagePort; readonly page: SharedArrayBuffer; readonly generation: number };
}

if (isMainThread) throw new Error('This file is started by manycore, not by hand.');
const { port, page: shared, generation } = (workerData as ThreadData).manycore;
const page = new MemoryPage(shared);

const runtime = new Runtime({
  page,
  encoder: new Encoder(createWorkerReader(), true),
  send,
  exit: () => process.exit(0),
  memory: () => {
    const { heapTotal, external } = process.memoryUsage();
    return heapTotal + external;
  },
});

function send(parts: readonly Buffer[], attachments: readonly Attachment[]): void {
  const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  const buffers = attachments.map(({ buffer }) => buffer);
  port.postMessage([generation, body, buffers] satisfies ThreadFrame, movedWith(body, attachments));
}

port.on('message', ([, body, attachments]: ThreadFrame) => runtime.accept(body, attachments));
port.on('close', () => process.exit(0));
page.setLoaded();
