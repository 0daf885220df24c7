import { randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { AuthKey } from '#internal/manager/auth-key.js';
import { ServerHandshake } from '#internal/manager/handshake.js';
import { ToServer } from '#internal/manager/protocol.js';
import { Server } from '#internal/manager/server.js';
import { Session } from '#internal/manager/session.js';
import { DataEncoder } from '#internal/wire/data-encoder.js';
import { Writer } from '#internal/wire/writer.js';
import { AuthenticationError, ProtocolError } from 'manycore';
import { Random } from '../engine/random.ts';

/** What a round of spoilt messages has come to. */
export interface Findings {
  readonly frames: number;
  /** Those that the server took for well-formed. */
  readonly accepted: number;
  readonly slowestMs: number;
}

const suspiciousMs = 20;

const key = new AuthKey(randomBytes(32));

function server(): Server {
  const made = new Server({ target: { address: '/nowhere', tls: false }, key, registrations: [], linger: 0 });
  // All frames come in one turn of the event loop, and each is to be read to its end.
  made.turns.isOver = () => false;
  return made;
}

function socketOf(): Socket {
  return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }) as unknown as Socket;
}

/** Well-formed records of all kinds, to be spoilt. */
export function samples(): Buffer[] {
  const writer = new Writer();
  const encoder = new DataEncoder();
  const values = [
    1,
    -5,
    1.5,
    'text',
    'ünïcode \u4e00',
    10n,
    null,
    [1, 2, 3],
    ['a', { b: [true] }],
    { __proto__: null, a: 1, b: { c: 2 } },
    new Map<unknown, unknown>([
      ['k', [1]],
      [2, 'v'],
    ]),
    new Set([1, 'x']),
    new Date(1),
    Buffer.from('bytes'),
    Float64Array.of(1, 2),
    new RangeError('wrong'),
  ];
  const record = (...fields: readonly (number | string | Buffer | { value: unknown })[]): Buffer => {
    writer.length = 0;
    for (const field of fields) {
      if (typeof field === 'number') writer.varint(field);
      else if (typeof field === 'string') writer.string(field);
      else if (Buffer.isBuffer(field)) writer.raw(field);
      else encoder.message(writer, field.value);
    }
    return Buffer.from(writer.written());
  };
  const id = (n: number): Buffer => Buffer.alloc(16, n);
  const kinds = [
    'list',
    'dict',
    'set',
    'Queue',
    'Lock',
    'Semaphore',
    'Condition',
    'Event',
    'Barrier',
    'Value',
    'Array',
    'Namespace',
    'RLock',
  ];
  const methods = [
    'get',
    'set',
    'append',
    'extend',
    'pop',
    'value',
    'slice',
    'sort',
    'page',
    'keys',
    'update',
    'read',
    'replace',
    'put',
    'acquire',
    'release',
    'wait',
    'notify',
    'str',
    'incr',
    'union',
    'repeat',
    'constructor',
    '__proto__',
    'then',
  ];
  return [
    ...kinds.map((kind, i) =>
      record(ToServer.create, 101 + 2 * i, kind, id(i + 1), 1, { value: i % 2 === 0 ? [] : 2 }),
    ),
    ...methods.flatMap((method, i) =>
      values
        .slice(i % 5, (i % 5) + 4)
        .map((value) => record(ToServer.call, i + 1, 1 + 2 * (i % 3), method, 1, { value })),
    ),
    ...methods.map((method) => record(ToServer.call, 7, 3, method, 0)),
    record(ToServer.attach, 201, id(1), 0),
    record(ToServer.attach, 203, id(99), 1),
    record(ToServer.drop, 1, 1),
    record(ToServer.cancel, 1),
    record(ToServer.travel, 1),
    record(ToServer.ping),
    record(ToServer.manage, 5, 'numberOfObjects', 0),
    record(ToServer.manage, 5, 'debugInfo', 0),
  ];
}

/** Three objects for the records to be about. Connections of one server need names of their own. */
export function prelude(name: Buffer): Buffer {
  const writer = new Writer();
  ['list', 'dict', 'Queue'].forEach((kind, i) => {
    writer.u8(ToServer.create);
    writer.varint(1 + 2 * i);
    writer.string(kind);
    writer.raw(Buffer.concat([Buffer.from([200 + i]), name.subarray(1, 16)]));
    writer.varint(0);
  });
  return framed(Buffer.from(writer.written()));
}

export function framed(body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
}

export function spoil(bytes: Buffer, all: readonly Buffer[], next: () => number): Buffer {
  const spoilt = Buffer.concat([bytes, all[Math.floor(next() * all.length)]!]);
  const place = (): number => Math.floor(next() * spoilt.length);
  for (let count = Math.floor(next() * 4); count >= 0; count--) {
    const kind = next();
    if (kind < 0.4) spoilt[place()]! ^= 1 << Math.floor(next() * 8);
    else if (kind < 0.7) spoilt[place()] = Math.floor(next() * 256);
    else if (kind < 0.85) spoilt.copyWithin(place(), place());
    else spoilt.fill(255, place(), Math.min(spoilt.length, place() + 9));
  }
  return spoilt.subarray(0, next() < 0.3 ? place() + 1 : spoilt.length);
}

/** The machine may have been busy with something else: what seems to take long is tried again, and costs what the processor says. */
function quickest(firstMs: number, again: () => number): number {
  let ms = firstMs;
  for (let tries = 0; ms > suspiciousMs && tries < 5; tries++) {
    const before = process.cpuUsage();
    const tookMs = again();
    const { user, system } = process.cpuUsage(before);
    ms = Math.min(ms, tookMs, (user + system) / 1_000);
  }
  return ms;
}

/** Sends `frames` spoilt frames to sessions that have shown the key. */
export function fuzzSessions(seed: number, frames: number): Findings {
  const random = new Random(seed);
  const next = (): number => random.next();
  const all = samples();
  const begin = prelude(Buffer.alloc(16));
  let host = server();
  let accepted = 0;
  let slowestMs = 0;
  for (let i = 0; i < frames; i++) {
    if (i % 1_000 === 0) host = server();
    const bytes = framed(spoil(all[Math.floor(next() * all.length)]!, all, next));
    const one = (): { readonly ms: number; readonly accepted: boolean } => {
      const session = new Session(host, socketOf());
      session.link.take(begin);
      const start = performance.now();
      session.link.take(bytes);
      const ms = performance.now() - start;
      const isOpen = !session.link.closed;
      session.link.destroy();
      return { ms, accepted: isOpen };
    };
    const first = one();
    slowestMs = Math.max(
      slowestMs,
      quickest(first.ms, () => one().ms),
    );
    if (first.accepted) accepted++;
    if (host.objects.size > 0) throw new Error(`seed ${seed}, frame ${i}: an object outlives its only client`);
  }
  return { frames, accepted, slowestMs };
}

/** Sends `messages` spoilt ones to the handshake. */
export function fuzzHandshakes(seed: number, messages: number): Findings {
  const random = new Random(seed);
  const next = (): number => random.next();
  const secrets = { key: key.derive('handshake'), binding: new Uint8Array() };
  let accepted = 0;
  let slowestMs = 0;
  for (let i = 0; i < messages; i++) {
    const bytes = Buffer.alloc(1 + Math.floor(next() * 120), Math.floor(next() * 256));
    if (next() < 0.8) bytes.write('MCM1\u0001', 0, 'latin1');
    const one = (): { readonly ms: number; readonly accepted: boolean } => {
      const handshake = new ServerHandshake(secrets, { flags: 0, maxFrameBytes: 1 }, () => {});
      const start = performance.now();
      let isAccepted = false;
      try {
        if (handshake.push(bytes)) throw new Error(`seed ${seed}, message ${i}: came in without the key`);
        isAccepted = true;
      } catch (error) {
        if (!(error instanceof AuthenticationError) && !(error instanceof ProtocolError)) throw error;
      }
      return { ms: performance.now() - start, accepted: isAccepted };
    };
    const first = one();
    slowestMs = Math.max(
      slowestMs,
      quickest(first.ms, () => one().ms),
    );
    if (first.accepted) accepted++;
  }
  return { frames: messages, accepted, slowestMs };
}
