import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Encoder } from '#internal/wire/encoder.js';
import { ToHost } from '#internal/wire/messages.js';
import { Outbox } from '#internal/wire/outbox.js';
import { Answers } from '#internal/worker/answers.js';

test('answers: results that are too large for one frame go in several, and one alone fails (B7)', () => {
  const frames: { readonly bytes: number; readonly attachments: number; readonly failed: boolean }[] = [];
  const outbox = new Outbox(new Encoder(), ToHost.define);
  const limit = 100_000;
  const answers = new Answers(
    outbox,
    (parts, attachments) => {
      const body = Buffer.concat(parts);
      const beside = attachments.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
      frames.push({
        bytes: body.length + beside,
        attachments: attachments.length,
        failed: body.includes('too large'),
      });
    },
    limit,
  );
  for (const [i, bytes] of [40_000, 40_000, 40_000, 200_000, 40_000].entries())
    answers.succeed(i, new Uint8Array(bytes));
  answers.flush();
  assert.ok(frames.every(({ bytes }) => bytes <= limit));
  assert.equal(
    frames.reduce((sum, { attachments }) => sum + attachments, 0),
    4,
  );
  assert.equal(frames.filter(({ failed }) => failed).length, 1);
});
