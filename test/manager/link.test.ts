import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { maxUnsentBytes, silenceMs } from '#internal/limits.js';
import { Link, type LinkEvents } from '#internal/manager/link.js';
import { eventually, testClean } from '../matrix.ts';
import { Random } from '../engine/random.ts';
import { framed } from './fuzz.ts';
import { dialAuthenticated, frame } from './raw-client.ts';
import { authKey, testServer } from './support.ts';

const quiet: LinkEvents = { frame() {}, idle() {}, closed() {} };

/** Two ends of one connection. */
async function pair(): Promise<{ near: Socket; far: Socket; [Symbol.dispose](): void }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [Socket];
  server.close();
  return {
    near,
    far,
    [Symbol.dispose]() {
      near.destroy();
      far.destroy();
    },
  };
}

testClean('link: silence is that of bytes, in either direction, and not of frames (I19)', {}, async () => {
  using ends = await pair();
  const { near, far } = ends;
  far.pause();
  let now = 0;
  const link = new Link(near, 2 ** 30, quiet, () => now);
  now = 10_000;
  // The beginning of a large frame.
  link.take(Buffer.from([0, 0, 1, 0, 7]));
  now = 20_000;
  assert.equal(link.silentMs, 10_000);
  link.send(Buffer.alloc(40 * 2 ** 20));
  await eventually(() => link.sentBytes > 0);
  assert.ok(link.unsentBytes > 0, 'the other end does not read all of it');
  assert.equal(link.silentMs, 0);
  const before = link.sentBytes;
  far.resume();
  await eventually(() => link.unsentBytes === 0);
  assert.ok(link.sentBytes > before);
  link.pause();
  now = 100_000;
  assert.equal(link.silentMs, 0, 'nobody listens');
  link.resume();
  assert.equal(link.silentMs, 0);
});

testClean('link: a thread that was busy reads before it takes the other side for dead (I19)', {}, async () => {
  using ends = await pair();
  let now = 0;
  const link = new Link(ends.near, 2 ** 30, quiet, () => now);
  let cuts = 0;
  const look = (): void => link.whenSilent(silenceMs, () => cuts++);
  now = 20_000;
  look();
  link.take(Buffer.from([1]));
  await turn();
  assert.equal(cuts, 0, 'it has been heard of meanwhile');
  now = 40_000;
  look();
  assert.equal(cuts, 0);
  await turn();
  assert.equal(cuts, 1);
});

testClean('link: what comes in a pause comes after it, in order', {}, async () => {
  using ends = await pair();
  const told: string[] = [];
  const link: Link = new Link(ends.near, 100, {
    ...quiet,
    frame: (body) => {
      told.push(body.toString());
      if (body.toString() === 'b') link.pause();
    },
    resumed: () => told.push('|'),
  });
  const frames = (text: string): Buffer => Buffer.concat(Array.from(Buffer.from(text), (letter) => frame(letter)));
  link.take(frames('abc'));
  link.take(frames('d').subarray(0, 3));
  link.take(Buffer.concat([frames('d').subarray(3), frames('b')]));
  assert.equal(told.join(''), 'ab');
  link.resume();
  assert.equal(told.join(''), 'ab|cdb');
  link.take(frames('e'));
  link.resume();
  assert.equal(told.join(''), 'ab|cdb|e');
});

testClean('link: frames are whole, however they are cut (I16)', {}, async () => {
  using ends = await pair();
  const random = new Random(7);
  const bodies = Array.from({ length: 300 }, (_, i) => Buffer.alloc(random.whole(1, i % 10 === 0 ? 200_000 : 50), i));
  const told: Buffer[] = [];
  const link = new Link(ends.near, 2 ** 20, { ...quiet, frame: (body) => told.push(Buffer.from(body)) });
  const bytes = Buffer.concat(bodies.map(framed));
  for (let at = 0; at < bytes.length;) {
    const size = random.whole(1, random.pick([3, 30, 70_000]));
    link.take(bytes.subarray(at, at + size));
    at += size;
  }
  assert.deepEqual(told, bodies);
});

testClean(
  'link: memory is taken for what has come of a frame, not for what is said to come (I16, 2.3)',
  {},
  async () => {
    using ends = await pair();
    const link = new Link(ends.near, 2 ** 30, quiet);
    const before = process.memoryUsage().arrayBuffers;
    link.take(Buffer.from([0, 0, 0, 0x3f]));
    for (let i = 0; i < 1_000; i++) link.take(Buffer.alloc(10));
    assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20);
  },
);

const plain = { address: { port: 0 }, tls: false } as const;

testServer('link: what one frame asks for is not made faster than it is read (2.5)', plain, async (client, server) => {
  const list = client.list(['x'.repeat(100_000)]);
  await list.length();
  const { socket } = await dialAuthenticated(server.address, authKey);
  socket.pause();
  const made = [1, 1, 8, ...Buffer.from('list'), ...Buffer.alloc(16, 9), 1, 10, 1, 7, 0xa0, 0x8d, 0x06];
  const value = Buffer.from('value');
  const call = [value.length * 2, ...value, 0];
  const asks = Array.from({ length: 5_000 }, (_, i) => [3, (i & 0x7f) | 0x80, i >> 7, 1, ...call]).flat();
  const before = process.memoryUsage.rss();
  socket.write(frame(...made, ...Buffer.alloc(100_000 / 2, 120), ...asks));
  for (let i = 0; i < 20; i++) assert.equal(await list.length(), 1, 'others are served');
  assert.equal(server.statistics().objects, 2);
  assert.ok(process.memoryUsage.rss() - before < 10 * maxUnsentBytes, 'and not 250 MB');
  socket.destroy();
  await eventually(() => server.statistics().clients === 1);
});

testServer('link: what is asked for longer than a turn is answered in order (I16)', plain, async (client) => {
  for (let round = 0; round < 5; round++) {
    const lists = Array.from({ length: 10_000 }, (_, i) => client.list([i]));
    assert.deepEqual(await lists.at(-1)!.value(), [9_999]);
  }
  const dict = client.dict<number, number>();
  await Promise.all(Array.from({ length: 10_000 }, (_, i) => dict.set(i, i)));
  assert.equal(await dict.size(), 10_000);
});
