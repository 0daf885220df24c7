import { noPage, openPage } from '../channel/status-page.ts';
import type { Importer } from '../closure/registry.ts';
import { LargeBuffers } from '../memory/large.ts';
import { Encoder, type Attachment } from '../wire/encoder.ts';
import { FrameAssembler, frameAround, frameHead } from '../wire/frame.ts';
import { InheritedDescriptors } from './descriptors.ts';
import { begin, handover, listen, pageFile, write } from './host-pipes.ts';
import { createWorkerReader } from './lazy-reader.ts';
import { Runtime } from './runtime.ts';

const large = new LargeBuffers(process.pid);

/**
 * A process that runs tasks.
 *
 * @param busy - Called when the first has come.
 */
export function start(importModule: Importer, busy: () => void): void {
  const { pageBytes, generation, keptOutput } = begin(importModule);
  const page = pageBytes === 0 ? noPage() : openPage(pageFile, pageBytes);
  const sayIfHungry = (): void => {
    if (page.takeHungry()) write(frameHead(generation, 0));
  };
  const runtime = new Runtime({
    isThread: false,
    page,
    encoder: new Encoder(createWorkerReader()),
    send: (parts, attachments) => send(generation, parts, attachments),
    descriptors: new InheritedDescriptors(handover, sayIfHungry),
    keptOutput,
    busy,
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

function send(generation: number, parts: readonly Buffer[], attachments: readonly Attachment[]): void {
  const buffers = attachments.map(({ buffer }) => buffer);
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const { head, tail } = frameAround(generation, bytes, buffers, large);
  if (bytes < 4_096) write(Buffer.concat([head, ...parts]));
  else for (const part of [head, ...parts]) write(part);
  for (const part of tail) write(part);
}
