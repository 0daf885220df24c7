import { readlinkSync } from 'node:fs';
import { workerData, type MessagePort } from 'node:worker_threads';
import { ring, type Bell } from '../blocking/bell.ts';
import { MemoryPage } from '../channel/status-page.ts';
import { movedWith, type ThreadFrame } from '../channel/thread-frame.ts';
import { registry, type Importer } from '../closure/registry.ts';
import { setRoot } from '../memory/family.ts';
import type { Life } from '../memory/life.ts';
import { Encoder } from '../wire/encoder.ts';
import { ownDescriptors } from './descriptors.ts';
import { createWorkerReader } from './lazy-reader.ts';
import { Runtime } from './runtime.ts';

interface ThreadData {
  readonly manycore: {
    readonly port: MessagePort;
    readonly page: SharedArrayBuffer;
    readonly bell: Bell;
    readonly root: Life | undefined;
    readonly generation: number;
    readonly keptOutput: readonly number[] | undefined;
  };
}

export function start(importModule: Importer): void {
  const { port, page: shared, bell, root, generation, keptOutput } = (workerData as ThreadData).manycore;
  setRoot(root);
  const page = new MemoryPage(shared);
  page.threadNumber = threadNumber();
  // While it loads modules it is not ended in the middle: Node would leak the file that it reads.
  let loading = 0;
  let closed = false;
  registry.import = async (specifier, options) => {
    if (loading++ === 0) page.setLoaded(false);
    try {
      return await importModule(specifier, options);
    } finally {
      if (--loading === 0) page.setLoaded(true);
      if (closed && loading === 0) process.exit(0);
    }
  };
  const runtime = new Runtime({
    isThread: true,
    page,
    encoder: new Encoder(createWorkerReader(), true),
    send: (parts, attachments) => {
      const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      const buffers = attachments.map(({ buffer }) => buffer);
      port.postMessage([generation, body, buffers] satisfies ThreadFrame, movedWith(body, attachments));
      ring(bell);
    },
    descriptors: ownDescriptors,
    keptOutput,
    release: () => port.unref(),
    exit: () => process.exit(0),
    memory: () => {
      const { heapTotal, external } = process.memoryUsage();
      return heapTotal + external;
    },
  });
  port.on('message', ([, body, attachments]: ThreadFrame) => runtime.accept(body, attachments));
  port.on('close', () => {
    closed = true;
    if (loading === 0) process.exit(0);
  });
  process.on('exit', (code) => {
    page.exitCode = code;
    ring(bell);
  });
  page.setLoaded(true);
}

/** This thread's number in the system: it is gone when the system has no such thread any more. */
function threadNumber(): number {
  if (process.platform !== 'linux') return 0;
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return 0;
  }
}
