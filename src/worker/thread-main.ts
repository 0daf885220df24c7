import { readlinkSync } from 'node:fs';
import { workerData, type MessagePort } from 'node:worker_threads';
import { ring, type Bell } from '../blocking/bell.ts';
import { MemoryPage } from '../channel/status-page.ts';
import { movedWith, type ThreadFrame } from '../channel/thread-frame.ts';
import { registry, type Importer } from '../closure/registry.ts';
import { setRoot } from '../memory/family.ts';
import type { Life } from '../memory/life.ts';
import { noteMappings } from '../mappings.ts';
import { watchSections } from '../unbroken.ts';
import { Encoder, type Attachment } from '../wire/encoder.ts';
import { ownDescriptors } from './descriptors.ts';
import { JobRuntime } from './job-runtime.ts';
import { createWorkerReader } from './lazy-reader.ts';
import { Runtime } from './runtime.ts';

interface ThreadData {
  readonly manycore: {
    readonly port: MessagePort;
    readonly page: SharedArrayBuffer;
    readonly mappings: SharedArrayBuffer;
    readonly bell: Bell;
    readonly root: Life | undefined;
    readonly generation: number;
    readonly keptOutput: readonly number[] | undefined;
    /** It is a Process. */
    readonly hasJob: boolean;
  };
}

/** @param busy - Called when its first task has come. */
export function start(importModule: Importer, busy: () => void): void {
  const {
    port,
    page: shared,
    mappings,
    bell,
    root,
    generation,
    keptOutput,
    hasJob,
  } = (workerData as ThreadData).manycore;
  setRoot(root);
  noteMappings(mappings);
  const page = new MemoryPage(shared);
  page.threadNumber = threadNumber();
  let sections = 1;
  let closed = false;
  const enter = (): void => {
    if (sections++ === 0) page.setBusy(true);
  };
  const leave = (): void => {
    if (--sections > 0) return;
    page.setBusy(false);
    if (closed) process.exit(0);
  };
  watchSections({ enter, leave });
  registry.import = importModule;
  const send = (body: Buffer, attachments: readonly Attachment[] = []): void => {
    const buffers = attachments.map(({ buffer }) => buffer);
    port.postMessage([generation, body, buffers] satisfies ThreadFrame, movedWith(body, attachments));
    ring(bell);
  };
  const common = { isThread: true, descriptors: ownDescriptors, keptOutput, busy };
  const runtime = hasJob
    ? new JobRuntime({ ...common, send, release: () => port.unref() })
    : new Runtime({
        ...common,
        page,
        encoder: new Encoder(createWorkerReader(), { shares: true }),
        send: (parts, attachments) => send(parts.length === 1 ? parts[0]! : Buffer.concat(parts), attachments),
        exit: () => process.exit(0),
        memory: () => {
          const { heapTotal, external } = process.memoryUsage();
          return heapTotal + external;
        },
      });
  port.on('message', ([, body, attachments]: ThreadFrame) => runtime.accept(body, attachments));
  // Such as one for which there is no memory: its tasks would wait for ever.
  port.on('messageerror', () => process.exit(1));
  port.on('close', () => {
    closed = true;
    if (sections === 0) process.exit(0);
  });
  process.on('exit', (code) => {
    page.exitCode = code;
    ring(bell);
  });
  leave();
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
