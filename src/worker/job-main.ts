import type { Importer } from '../closure/registry.ts';
import { LargeBuffers } from '../memory/large.ts';
import { FrameAssembler, frameHead } from '../wire/frame.ts';
import { InheritedDescriptors } from './descriptors.ts';
import { begin, handover, listen, release, write } from './host-pipes.ts';
import { JobRuntime } from './job-runtime.ts';

/**
 * A process that is a Process.
 *
 * @param busy - Called when its job has come.
 */
export function start(importModule: Importer, busy: () => void): void {
  const { generation, keptOutput } = begin(importModule);
  const runtime = new JobRuntime({
    isThread: false,
    send: (body) => write(Buffer.concat([frameHead(generation, body.length), body])),
    descriptors: new InheritedDescriptors(handover, () => {}),
    keptOutput,
    busy,
    release,
  });
  const large = new LargeBuffers(process.pid);
  const assembler = new FrameAssembler(generation, (body, attachments) => runtime.accept(body, attachments), large);
  listen((chunk) => assembler.push(chunk));
}
