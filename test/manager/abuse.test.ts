import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import { Manager } from 'manycore';
import { handshakeMs } from '#internal/limits.js';
import { AuthKey } from '#internal/manager/auth-key.js';
import { DataDecoder } from '#internal/wire/data-decoder.js';
import { DataEncoder } from '#internal/wire/data-encoder.js';
import { DataTag } from '#internal/wire/data-tags.js';
import { Reader } from '#internal/wire/reader.js';
import { Writer } from '#internal/wire/writer.js';
import { eventually, partOf, rejection, testClean } from '../matrix.ts';
import { authKey, testServer } from './support.ts';
import { dialAuthenticated, dialRaw, frame } from './raw-client.ts';

const plain = { address: { port: 0 }, tls: false } as const;

const many = partOf(10_000, 100);
testServer(
  `abuse: who says nothing, or a byte a second, is cut off, others are served: ${many} of 10,000 (I1)`,
  { ...plain, limit: 20_000 + many * 20 },
  async (client, server) => {
    const list = client.list([1]);
    const startedMs = performance.now();
    const silent = Array.from({ length: many }, () => dialRaw(server.address));
    const slow = silent.slice(0, 10).map(({ socket }) => {
      const bytes = Buffer.from('MCM1\u0001').values();
      return setInterval(() => socket.write(Buffer.from([bytes.next().value ?? 0])), 1_000);
    });
    await eventually(() => server.statistics().unauthenticated >= 100);
    for (let i = 0; i < 50; i++) assert.equal(await list.length(), 1);
    // The first of them, the slow ones, are at it from the start.
    await Promise.all(silent.slice(0, 50).map(({ closed }) => closed));
    const ms = performance.now() - startedMs;
    assert.ok(ms > handshakeMs - 100 && ms < handshakeMs * 2, `${ms} ms`);
    for (const timer of slow) clearInterval(timer);
    await Promise.all(silent.map(({ closed }) => closed));
    assert.equal(await list.length(), 1);
    await eventually(() => server.statistics().unauthenticated === 0);
  },
);

testServer('abuse: what is no handshake is closed at once, whatever its size (I2)', plain, async (client, server) => {
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'.padEnd(200)),
    Buffer.alloc(1_000_000, 0xff),
    Buffer.from(`MCM1\u0002${'x'.repeat(64)}`),
  ]) {
    const { socket, closed, received } = dialRaw(server.address);
    socket.write(bytes);
    await closed;
    assert.equal(received().length, 0, 'nothing is told');
  }
  assert.equal(await client.list([1]).length(), 1);
});

testServer('abuse: malformed frames end their own connection only (I10, I16)', plain, async (client, server) => {
  const list = client.list([1]);
  const long = Buffer.alloc(4);
  long.writeUInt32LE(2 ** 31);
  const bad: Record<string, Buffer> = {
    'a frame of 2 GiB': long,
    'an unknown record': frame(99),
    'a reference that is not there': frame(3, 1, 77, 2, 97, 0),
    "a number that is the server's to give": frame(1, 2, 8, ...Buffer.from('list'), ...Buffer.alloc(16), 0),
    'a drop of what it does not have': frame(4, 5, 1),
    'a call that ends early': frame(3, 1),
    'a number of 60 bits': frame(4, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1),
    'more arguments than bytes': frame(1, 1, 8, ...Buffer.from('list'), ...Buffer.alloc(16), 100),
    'code, which this server does not take': frame(
      1,
      1,
      8,
      ...Buffer.from('list'),
      ...Buffer.alloc(16),
      1,
      DataTag.special,
      3,
      0,
      0,
      1,
      0,
    ),
  };
  for (const [what, bytes] of Object.entries(bad)) {
    const { socket, closed } = await dialAuthenticated(server.address, authKey);
    socket.write(bytes);
    await closed;
    assert.equal(await list.length(), 1, what);
  }
  await eventually(() => server.statistics().clients === 1);
});

testServer('abuse: there is an end to the clients (2.5)', { ...plain, maxConnections: 2 }, async (_, server) => {
  await using second = await Manager.connect(server.address, { authKey, tls: false });
  await second.list([1]).length();
  const third = await dialAuthenticated(server.address, Buffer.from(authKey)).then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  // The same program has one connection for one server: others need one of their own.
  if (third === undefined) {
    const fourth = await rejection(dialAuthenticated(server.address, Buffer.from(authKey)));
    assert.equal(fourth.name, 'ConnectionLostError');
  } else assert.equal(third.name, 'ConnectionLostError');
});

testServer(
  'abuse: a message that is too large is refused where it is made (I16)',
  { ...plain, maxFrameBytes: 100_000 },
  async (client) => {
    const list = client.list<string>();
    await list.append('x'.repeat(50_000));
    const error = await rejection((async () => list.append('x'.repeat(200_000)))());
    assert.match(error.name, /FrameTooLargeError|ConnectionLostError/);
  },
);

testServer('abuse: who asks without reading is not listened to (2.5)', plain, async (client, server) => {
  const list = client.list<string>(['x'.repeat(1_000_000)]);
  await list.length();
  const { socket } = await dialAuthenticated(server.address, authKey);
  socket.pause();
  const name = Buffer.from('value');
  socket.write(
    frame(
      1,
      1,
      8,
      ...Buffer.from('list'),
      ...Buffer.alloc(16, 9),
      1,
      DataTag.array,
      1,
      DataTag.string,
      ...varint(2 * 60_000),
      ...Buffer.alloc(60_000, 120),
    ),
  );
  const ask = frame(3, 1, 1, name.length * 2, ...name, 0);
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 3_000; i++) socket.write(ask);
  for (let i = 0; i < 20; i++) assert.equal(await list.length(), 1);
  assert.ok(process.memoryUsage.rss() - before < 150e6, 'what it does not read is not made');
  socket.destroy();
});

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

function decode(bytes: Buffer): unknown {
  const decoder = new DataDecoder();
  const reader = new Reader(bytes);
  decoder.begin(reader);
  return decoder.message();
}

testClean('abuse: nothing that is decoded can be called, or is more than data', {}, async () => {
  const writer = new Writer();
  const encoder = new DataEncoder();
  for (const value of [
    () => 1,
    class {},
    Symbol('x'),
    Symbol.iterator,
    new (class Foo {})(),
    /x/,
    Promise.resolve(),
    new WeakMap(),
    new Proxy({}, {}),
    {
      get x() {
        return 1;
      },
    },
    { [Symbol.iterator]: 1 },
    Object.create({ a: 1 }),
    new AbortController(),
  ])
    assert.throws(() => encoder.message(writer, { deep: [value] }), { name: 'SerializationError' }, inspect(value));
  assert.equal(writer.length, 0);
});

testClean('abuse: sizes and depths are checked before anything is made (I16)', {}, async () => {
  const cases: Record<string, readonly number[]> = {
    'an array of a billion': [DataTag.array, ...varint(1e9)],
    'numbers without end': [DataTag.numbers, ...varint(2 ** 40)],
    'a map of a billion': [DataTag.map, ...varint(1e9)],
    'a string of a gigabyte': [DataTag.string, ...varint(2 ** 31)],
    'bytes that are not there': [DataTag.buffer, ...varint(2 ** 31)],
    'keys without end': [DataTag.shape, ...varint(2 ** 31)],
    'a key that is there twice': [DataTag.shape, 2, 2, 97, 2, 97, DataTag.null, DataTag.null],
    'a member that is there twice': [DataTag.set, 2, DataTag.int, 1, DataTag.int, 1],
    'a shape that is not there': [DataTag.record, 5],
    'a value that is not there': [DataTag.back, 5],
    'an unknown kind': [200],
    'a shared object': [DataTag.special, 0, 1],
    'a view of half an item': [DataTag.view, 10, 3, 1, 2, 3],
    'no bigint': [DataTag.bigint, 4, 0x78, 0x79],
    depth: Array.from({ length: 5_000 }, () => [DataTag.array, 1]).flat(),
  };
  for (const [what, bytes] of Object.entries(cases))
    assert.throws(() => decode(Buffer.from([...bytes, 0])), { name: 'ProtocolError' }, what);
  const many = Buffer.alloc(1_100_000, DataTag.null);
  assert.throws(() => decode(Buffer.concat([Buffer.from([DataTag.array, ...varint(1_099_000)]), many])), {
    name: 'ProtocolError',
  });
  let deep: unknown = 1;
  for (let i = 0; i < 2_000; i++) deep = [deep];
  assert.throws(() => new DataEncoder().message(new Writer(), deep), { name: 'SerializationError' });
  const record = decode(Buffer.from([DataTag.shape, 1, 18, ...Buffer.from('__proto__'), DataTag.shape, 0]));
  assert.deepEqual(Reflect.ownKeys(record as object), ['__proto__']);
  assert.equal(Object.getPrototypeOf(record), Object.prototype);
});

testClean('abuse: a key shows nowhere (2.7)', {}, async () => {
  const secret = 'a secret that nobody is to see';
  const key = new AuthKey(secret);
  for (const shown of [inspect(key), String(key), JSON.stringify({ key }), inspect({ deep: [key] })])
    assert.doesNotMatch(shown, /secret|6120/);
  await using manager = new Manager({ authKey: secret });
  assert.doesNotMatch(inspect(manager, { depth: 9, showHidden: true }), /secret|6120/);
  await manager.start();
  const list = manager.list();
  assert.doesNotMatch(inspect(list, { depth: 9, showHidden: true }), /secret|6120/);
});

testServer('abuse: an error says no more than it must (2.4, I24)', {}, async (client) => {
  const list = client.list();
  const error = await rejection(list.callMethod(`\u001b[31m${'x'.repeat(10_000)}\n`));
  assert.equal(error.name, 'MethodNotExposedError');
  assert.ok(error.message.length < 4_200);
  assert.doesNotMatch(error.message, /\u001b|\n/, 'what is not printable is escaped');
});
