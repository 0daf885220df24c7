import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { managerTurnMs, maxUnsentBytes } from '#internal/limits.js';
import { AuthKey } from '#internal/manager/auth-key.js';
import { ToClient, ToServer } from '#internal/manager/protocol.js';
import { Server } from '#internal/manager/server.js';
import { Session } from '#internal/manager/session.js';
import { Turns } from '#internal/manager/turns.js';
import { DataEncoder } from '#internal/wire/data-encoder.js';
import { DataTag } from '#internal/wire/data-tags.js';
import { Writer } from '#internal/wire/writer.js';
import { testClean } from '../matrix.ts';

testClean('turns: who comes in one turn of the event loop has some time with all others of it (2.3)', {}, async () => {
  let now = 5;
  const turns = new Turns(() => now);
  assert.equal(turns.isOver(), false);
  now += managerTurnMs;
  assert.equal(turns.isOver(), false);
  now++;
  assert.equal(turns.isOver(), true);
  assert.equal(turns.isOver(), true, 'and for all that come in this one');
  await turn();
  assert.equal(turns.isOver(), false);
});

testClean('turns: the clock is looked at seldom, and after each record when they take long', {}, () => {
  let [now, looks] = [0, 0];
  const turns = new Turns(() => {
    looks++;
    return now;
  });
  for (let i = 0; i < 400; i++) turns.isOverAfterRecord();
  assert.ok(looks <= 102, `${looks}`);
  let records = 1;
  for (; !turns.isOverAfterRecord(); records++) now += 50;
  assert.ok(records <= 4, `after ${records} records of 50 ms`);
  looks = 0;
  for (let i = 0; i < 10; i++) {
    now += 50;
    turns.isOverAfterRecord();
  }
  assert.equal(looks, 10);
});

testClean('turns: those in line have a turn each, in their order, and stand at its end again', {}, async () => {
  let now = 0;
  const turns = new Turns(() => now);
  const served: string[] = [];
  const begin = (name: string, times: number): void =>
    turns.wait(() => {
      assert.equal(turns.isOver(), false, 'with a time of its own');
      now += 2 * managerTurnMs;
      served.push(name);
      if (times > 1) begin(name, times - 1);
    });
  begin('a', 3);
  begin('b', 2);
  begin('c', 1);
  for (let count = 1; count <= 6; count++) {
    await turn();
    assert.equal(served.length, count);
  }
  assert.equal(served.join(''), 'abcaba');
});

testClean('turns: who is gone takes nobody a turn', {}, async () => {
  const turns = new Turns();
  const served: string[] = [];
  const [a, b] = [(): number => served.push('a'), (): number => served.push('b')];
  for (const each of [a, b]) turns.wait(each);
  turns.leave(a);
  await turn();
  assert.deepEqual(served, ['b']);
  turns.wait(a);
  turns.leave(a);
  await turn();
  turns.wait(b);
  await turn();
  assert.deepEqual(served, ['b', 'b']);
});

/** A client that reads what it is told, from `read()` on at the latest. */
function clientOf(server: Server, isReading = true) {
  const chunks: Buffer[] = [];
  let release: (() => void) | undefined;
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      if (isReading) done();
      else release = done;
    },
  }) as unknown as Socket;
  const session = new Session(server, socket);
  return {
    session,
    socket,
    written: () => Buffer.concat(chunks),
    read() {
      isReading = true;
      release?.();
    },
  };
}

/** Its turns are always over. */
function hurriedServer(): Server {
  const key = new AuthKey(randomBytes(32));
  const server = new Server({ target: { address: '/nowhere', tls: false }, key, registrations: [], linger: 0 });
  server.turns.isOver = () => true;
  return server;
}

/** A frame that makes a list under this number and calls it. */
function calls(number: number, ...all: readonly (readonly [method: string, ...args: readonly unknown[]])[]): Buffer {
  const writer = new Writer();
  const encoder = new DataEncoder();
  writer.u32(0);
  writer.u8(ToServer.create);
  writer.varint(number);
  writer.string('list');
  writer.raw(randomBytes(16));
  writer.varint(0);
  for (const [i, [method, ...args]] of all.entries()) {
    writer.u8(ToServer.call);
    writer.varint(i + 1);
    writer.varint(number);
    writer.string(method);
    writer.varint(args.length);
    for (const arg of args) encoder.message(writer, arg);
  }
  writer.u32At(0, writer.length - 4);
  return Buffer.from(writer.written());
}

const answerOf = (id: number, ...value: readonly number[]): Buffer => Buffer.from([ToClient.done, id, ...value]);

/** To the second call: the length of a list. */
const twoThousand = answerOf(2, DataTag.int, (2_000 % 128) | 128, 2_000 >> 7);

testClean('turns: while one large call is read, others are served (2.3, I16)', {}, async () => {
  const server = hurriedServer();
  const [large, small] = [clientOf(server), clientOf(server)];
  const objects = Array.from({ length: 2_000 }, (_, i) => ({ i }));
  large.session.link.take(calls(1, ['extend', objects], ['length'], ['at', -1]));
  assert.equal(large.session.link.paused, true);
  small.session.link.take(calls(1, ['length']));
  assert.ok(small.written().includes(answerOf(1, DataTag.int, 0)));
  let turns = 0;
  for (; large.session.link.paused; turns++) {
    assert.equal(large.written().length, 0, 'its answers come when it is done');
    await turn();
  }
  assert.ok(turns > 10, `${turns} turns`);
  assert.ok(large.written().includes(twoThousand));
  for (const { socket } of [large, small]) socket.destroy();
});

testClean('turns: many small arguments are read in slices too, and no record twice', {}, async () => {
  const server = hurriedServer();
  const { session, socket, written } = clientOf(server);
  const errors = Array.from({ length: 1_000 }, (_, i) => new Error(`${i}`));
  session.link.take(calls(1, ['append', ...errors], ['length'], ['append', ...errors], ['length']));
  let turns = 0;
  for (; session.link.paused; turns++) await turn();
  assert.ok(turns >= 2_000 / 256, `${turns} turns`);
  assert.ok(written().includes(answerOf(2, DataTag.int, (1_000 % 128) | 128, 1_000 >> 7)));
  assert.ok(written().includes(answerOf(4, DataTag.int, (2_000 % 128) | 128, 2_000 >> 7)));
  socket.destroy();
});

testClean('turns: who goes in the middle of a call leaves the others their turns', {}, async () => {
  const server = hurriedServer();
  const [gone, other] = [clientOf(server), clientOf(server)];
  const objects = Array.from({ length: 2_000 }, () => ({}));
  gone.session.link.take(calls(1, ['extend', objects]));
  other.session.link.take(calls(1, ['extend', objects], ['length']));
  gone.socket.destroy();
  while (other.session.link.paused) await turn();
  assert.ok(other.written().includes(twoThousand));
  assert.equal(server.objects.size, 1);
  other.socket.destroy();
});

testClean('turns: who does not read has no turn until it does (2.5)', {}, async () => {
  const server = hurriedServer();
  const slow = clientOf(server, false);
  const text = 'x'.repeat(2 ** 20);
  slow.session.link.take(calls(1, ['append', text], ...Array.from({ length: 40 }, () => ['value'] as const)));
  for (let i = 0; i < 100; i++) await turn();
  assert.ok(slow.session.link.paused);
  assert.ok(slow.session.link.unsentBytes < maxUnsentBytes + 2 * 2 ** 20, 'and what it asked for is not made');
  slow.read();
  while (slow.session.link.paused || slow.session.link.unsentBytes > 0) await turn();
  const written = slow.written();
  assert.ok(written.length > 40 * text.length);
  assert.ok(written.includes(answerOf(41, DataTag.array, 1)));
  slow.socket.destroy();
});

testClean('turns: what a client had goes some at a time when it is gone', {}, async () => {
  const server = hurriedServer();
  const { session, socket } = clientOf(server);
  for (let i = 0; i < 2_500; i++) {
    session.link.take(calls(1 + 2 * i));
    while (session.link.paused) await turn();
  }
  assert.equal(server.objects.size, 2_500);
  session.link.destroy();
  assert.equal(server.objects.size, 1_500);
  while (server.objects.size > 0) await turn();
  socket.destroy();
});
