import type { Attachment } from '../wire/encoder.ts';

/** What a thread's port carries: the generation, the body, the buffers beside it. */
export type ThreadFrame = readonly [
  generation: number,
  body: Uint8Array,
  attachments: (ArrayBuffer | SharedArrayBuffer)[],
];

/** What comes from a thread may be anything: a task can get hold of the port. */
export function isFrame(message: unknown): message is ThreadFrame {
  return Array.isArray(message) && message[1] instanceof Uint8Array && Array.isArray(message[2]);
}

/** The buffers that are moved: those asked for, and the body when it has its memory to itself. */
export function movedWith(body: Uint8Array, attachments: readonly Attachment[]): ArrayBuffer[] {
  const moved = attachments.filter(({ moves }) => moves).map(({ buffer }) => buffer as ArrayBuffer);
  if (body.byteLength > 16 * 1024 && body.byteLength * 2 > body.buffer.byteLength)
    moved.push(body.buffer as ArrayBuffer);
  return moved;
}
