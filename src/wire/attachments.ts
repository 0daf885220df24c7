import type { Attachment } from './encoder.ts';
import { detach } from './transfer.ts';

/** What these add to a frame: shared memory is not copied. */
export function bytesBeside(attachments: readonly Attachment[]): number {
  let bytes = 0;
  for (const { buffer } of attachments) if (!(buffer instanceof SharedArrayBuffer)) bytes += buffer.byteLength;
  return bytes;
}

/** Takes what moves out of its buffer: from here on these attachments alone have it. */
export function moveOut(attachments: Attachment[]): void {
  for (const [i, attachment] of attachments.entries())
    if (attachment.moves) attachments[i] = { ...attachment, buffer: detach(attachment.buffer as ArrayBuffer) };
}
