import { workerData, type MessagePort } from 'node:worker_threads';
import { MemoryPage } from '../channel/status-page.ts';
import { movedWith, type ThreadFrame } from '../channel/thread-frame.ts';
import { registry, type Importer } from '../closure/registry.ts';
import { Encoder } from '../wire/encoder.ts';
import { createWorkerReader } from './lazy-reader.ts';
import { Runtime } from './runtime.ts';

interface ThreadData {
  readonly manycore: {
    readonly port: MessagePort;
    readonly page: SharedArrayBuffer;
    readonly generation: number;
    readonly keptOutput: readonly number[] | undefined;
  };
}

export function start(importModule: Importer): void {
  const { port, page: shared, generation, keptOutput } = (workerData as ThreadData).manycore;
  const page = new MemoryPage(shared);
  registry.import = importModule;
  const runtime = new Runtime({
    isThread: true,
    page,
    encoder: new Encoder(createWorkerReader(), true),
    send: (parts, attachments) => {
      const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      const buffers = attachments.map(({ buffer }) => buffer);
      port.postMessage([generation, body, buffers] satisfies ThreadFrame, movedWith(body, attachments));
    },
    keptOutput,
    release: () => port.unref(),
    exit: () => process.exit(0),
    memory: () => {
      const { heapTotal, external } = process.memoryUsage();
      return heapTotal + external;
    },
  });
  port.on('message', ([, body, attachments]: ThreadFrame) => runtime.accept(body, attachments));
  port.on('close', () => process.exit(0));
  page.setLoaded();
}
