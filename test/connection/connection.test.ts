import { strict as assert } from 'node:assert';
import { createServer } from 'node:net';
import { Pipe, Pool, Process } from 'manycore';
import { Client, Listener, type SocketConnection, wait } from 'manycore/connection';
import { headOf } from '#internal/connection/frames.js';
import { rejection, testClean } from '../matrix.ts';
import { runScript } from '../run-script.ts';
import { framed, pair, RawClient, testListener } from './support.ts';

const letters = new TextEncoder().encode('abcdefghijklmnopqrstuvwxyz');

// For all tests: what a thread needs for shared objects stays until it ends.
const pipe = Pipe<string>();

/** A test with both ends of a connection. */
function testPair(
  name: string,
  body: (here: SocketConnection, there: SocketConnection) => Promise<void>,
  options: { readonly maxMessageBytes?: number } = {},
): void {
  testClean(name, {}, async () => {
    await using listener = new Listener({ port: 0 }, options);
    await listener.ready;
    const [here, there] = await pair(listener);
    using _here = here;
    using _there = there;
    await body(here, there);
  });
}

testClean("connection: messages have CPython's heads, short and long ones", {}, () => {
  assert.deepEqual(headOf(0), Buffer.alloc(4));
  assert.deepEqual(headOf(0x7fffffff), Buffer.from('7fffffff', 'hex'));
  assert.deepEqual(headOf(0x80000000), Buffer.from('ffffffff0000000080000000', 'hex'));
});

testPair('connection: values there and back, in their order (H201, H213, H215)', async (here, there) => {
  const values = [1, 'two', [3], { four: new Map([[5, null]]) }, new Date(6), letters];
  for (const value of values) void there.send(value);
  for (const value of values)
    assert.deepEqual(await here.recv(), value instanceof Uint8Array ? new Uint8Array(value) : value);
  const many = Array.from({ length: 1_000 }, (_, i) => i);
  const sent = Promise.all(many.map((i) => there.send(i)));
  assert.deepEqual(await Promise.all(many.map(() => here.recv())), many);
  await sent;
});

testPair('connection: 16 MiB arrive whole, and a message of none too (H206, H212)', async (here, there) => {
  const large = new Uint8Array(16 * 2 ** 20).map((_, i) => i % 251);
  const sent = there.sendBytes(large);
  assert.ok(Buffer.from(await here.recvBytes()).equals(large));
  await sent;
  await there.sendBytes(letters, 26);
  assert.equal(await here.poll({ timeout: 10_000 }), true);
  assert.equal((await here.recvBytes()).length, 0);
});

testPair('connection: a part of the bytes, and into a buffer (H203, H210)', async (here, there) => {
  await there.sendBytes(letters, 7, 8);
  const room = new Uint8Array(10);
  assert.equal(await here.recvBytesInto(room, 1), 8);
  assert.equal(new TextDecoder().decode(room), '\0hijklmno\0');
  await there.sendBytes(letters);
  const error = (await rejection(here.recvBytesInto(room))) as Error & { bytes: Uint8Array };
  assert.equal(error.name, 'BufferTooShortError');
  assert.deepEqual(error.bytes, letters);
  await there.send('goes on');
  assert.equal(await here.recv(), 'goes on');
  for (const [offset, size] of [[-1], [27], [0, -1], [20, 7]])
    assert.equal((await rejection(there.sendBytes(letters, offset, size))).name, 'ArgumentRangeError');
  assert.equal((await rejection(there.sendBytes('x' as never))).name, 'ArgumentTypeError');
});

testPair('connection: a message longer than allowed is in the way of the others (H216)', async (here, there) => {
  await there.sendBytes(letters);
  await there.sendBytes(letters);
  assert.equal((await here.recvBytes(26)).length, 26);
  assert.equal((await rejection(here.recvBytes(25))).name, 'FrameTooLargeError');
  assert.equal(here.readable, false);
  assert.match((await rejection(here.recvBytes())).message, /in the way/);
  await here.send('still sends');
  assert.equal(await there.recv(), 'still sends');
  assert.equal((await rejection(there.recvBytes(-1))).name, 'ArgumentRangeError');
});

testPair(
  'connection: there is a limit to a message, where it is made and where it comes (I16)',
  async (here, there) => {
    assert.match((await rejection(here.send('x'.repeat(1_000)))).message, /maxMessageBytes/);
    await here.send('x'.repeat(900));
    assert.equal(((await there.recv()) as string).length, 900);
    await there.sendBytes(new Uint8Array(5_000));
    assert.equal((await rejection(here.recv())).name, 'FrameTooLargeError');
  },
  { maxMessageBytes: 1_000 },
);

testPair('connection: the end, on both sides (H207, H217)', async (here, there) => {
  const waiting = rejection(there.recv());
  await here.send('last');
  here.close();
  here.close();
  assert.equal(here.closed, true);
  for (const call of [here.send(1), here.recv(), here.poll(), here.sendBytes(letters), here.recvBytes()])
    assert.equal((await rejection(call)).name, 'ConnectionStateError');
  await waiting.catch(() => undefined);
  assert.equal((await rejection(there.recv())).name, 'EndOfFileError');
  assert.equal(await there.poll(), true);
  assert.equal((await rejection(there.send(1))).name, 'BrokenPipeError');
});

testPair('connection: closing it ends its own waits', async (here) => {
  const waits = [here.recv(), here.recvBytes(), here.poll({ timeout: Number.POSITIVE_INFINITY })].map(rejection);
  here.close();
  for (const error of await Promise.all(waits)) assert.equal(error.name, 'ConnectionStateError');
});

testPair('connection: a wait that is given up takes no message (H204)', async (here, there) => {
  const start = performance.now();
  assert.equal((await rejection(here.recv({ timeout: 100 }))).name, 'TimeoutError');
  assert.ok(performance.now() - start >= 90);
  assert.equal(await here.poll({ timeout: 50 }), false);
  const stop = new AbortController();
  const given = rejection(here.recv({ signal: stop.signal }));
  const next = here.recv();
  stop.abort();
  assert.equal((await given).name, 'AbortError');
  await there.send('for the next');
  assert.equal(await next, 'for the next');
});

testPair('connection: who is not plain data is not sent, and what is not is not received', async (here, there) => {
  assert.match((await rejection(here.send({ f: () => 1 }))).message, /^Cannot send the value\.f: /);
  assert.match((await rejection(here.poll(1 as never))).message, /options of poll.*timeout: 5_000/);
  assert.equal((await rejection(here.recv({ timeout: 5 }))).message, 'Nothing was received within 5 ms.');
  await here.sendBytes(Buffer.from('cos\nsystem\n.'));
  await here.send('next');
  const error = (await rejection(there.recv())) as Error & { global: string };
  assert.equal(error.name, 'UnpicklingError');
  assert.equal(error.global, 'os.system');
  assert.equal(await there.recv(), 'next', 'the connection goes on');
});

testListener(
  'connection: messages come in any pieces, and end in the middle of one',
  { at: { port: 0 } },
  async (listener) => {
    const client = new RawClient(listener.address);
    const here = await listener.accept();
    const message = framed('letters');
    const long = Buffer.concat([
      headOf(2 ** 31).subarray(0, 4),
      Buffer.from('0000000000000003', 'hex'),
      Buffer.from('abc'),
    ]);
    const received = [here.recvBytes(), here.recvBytes(), here.recvBytes()];
    for (const byte of Buffer.concat([message, long, framed('')])) {
      client.socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(
      (await Promise.all(received)).map((bytes) => Buffer.from(bytes).toString()),
      ['letters', 'abc', ''],
    );
    client.socket.end(message.subarray(0, 6));
    assert.match((await rejection(here.recv())).message, /in the middle/);
    here.close();
  },
);

for (const [what, bytes] of Object.entries({
  'a length below 0': Buffer.from('fffffffe', 'hex'),
  'a length of 2^63': Buffer.from('ffffffff7fffffffffffffff', 'hex'),
  'a length above the limit': headOf(2 ** 30),
}))
  testListener(`connection: ${what} ends what can be received (I16)`, {}, async (listener) => {
    const client = new RawClient(listener.address);
    const here = await listener.accept();
    client.socket.write(bytes);
    assert.equal(await here.poll({ timeout: 10_000 }), true);
    assert.equal((await rejection(here.recv())).name, 'FrameTooLargeError');
    here.close();
    await client.closed;
  });

testListener('connection: what nobody asks for is not read, whatever its length', {}, async (listener) => {
  const client = new RawClient(listener.address);
  const here = await listener.accept();
  const chunk = Buffer.concat(Array.from({ length: 1_000 }, () => framed('x'.repeat(1_000))));
  for (let i = 0; i < 20; i++) client.socket.write(chunk);
  assert.equal(await here.poll({ timeout: 10_000 }), true);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(client.socket.writableLength > 15e6, 'it waits at the sender');
  for (let i = 0; i < 20_000; i++) assert.equal((await here.recvBytes()).length, 1_000);
  client.socket.destroy();
  here.close();
});

testListener(
  'wait: all that are ready, messages and ends, and no others (I236, I237, I239, I241)',
  {},
  async (listener) => {
    const pairs = [await pair(listener), await pair(listener), await pair(listener)] as const;
    const ends = pairs.map(([here]) => here);
    assert.deepEqual(await wait([]), []);
    assert.deepEqual(await wait(ends, { timeout: 0 }), []);
    assert.deepEqual(await wait(ends, { timeout: -5 }), []);
    const start = performance.now();
    assert.deepEqual(await wait(ends, { timeout: 100 }), []);
    assert.ok(performance.now() - start >= 90);
    await pairs[1][1].send('x');
    pairs[2][1].close();
    await wait([ends[2]!]);
    assert.deepEqual(await wait(ends), [ends[1], ends[2]]);
    assert.equal(await ends[1]!.recv(), 'x');
    assert.deepEqual(await wait(ends.slice(0, 2), { timeout: 20 }), []);
    const early = wait(ends.slice(0, 2), { timeout: 10_000 });
    await pairs[0][1].send(1);
    assert.deepEqual(await early, [ends[0]]);
    for (const [a, b] of pairs) {
      a.close();
      b.close();
    }
  },
);

testListener('wait: pipes and sockets together (I236)', {}, async (listener) => {
  const [here, there] = await pair(listener);
  const [a, b] = pipe;
  assert.deepEqual(await wait([a, here], { timeout: 20 }), []);
  await b.send('x');
  assert.deepEqual(await wait([a, here]), [a]);
  await there.send('y');
  assert.equal(await here.poll({ timeout: 10_000 }), true);
  assert.deepEqual(await wait([a, here]), [a, here]);
  here.close();
  there.close();
});

testListener('wait: sentinels of processes and connections (I240)', {}, async (listener) => {
  const [here, there] = await pair(listener);
  const child = new Process({ target: () => {} }).start();
  assert.deepEqual(await wait([here, child]), [child]);
  await there.send(1);
  assert.equal(await here.poll({ timeout: 10_000 }), true);
  assert.deepEqual(await wait([here, child]), [here, child]);
  await child.join();
  here.close();
  there.close();
});

testClean('connection: many clients at once', {}, async () => {
  await using listener = new Listener(undefined, { authKey: 'k' });
  const clients = Array.from({ length: 200 }, async (_, i) => {
    using client = await Client<number>(listener.address, { authKey: 'k' });
    await client.send(i);
    return await client.recv();
  });
  for (let i = 0; i < 200; i++) {
    const here = (await listener.accept()) as SocketConnection<number>;
    void (async () => {
      await here.send((await here.recv()) * 2);
      here.close();
    })();
  }
  assert.deepEqual(
    await Promise.all(clients),
    Array.from({ length: 200 }, (_, i) => i * 2),
  );
});

testClean('connection: it is used in a worker, and does not travel to one', {}, async () => {
  await using listener = new Listener(undefined, { authKey: 'k' });
  await using pool = new Pool(1);
  const task = pool.apply(
    async (address) => {
      using client = await Client(address, { authKey: 'k' });
      await client.send('from a worker');
      return await client.recv();
    },
    [listener.address],
  );
  using here = await listener.accept();
  assert.equal(await here.recv(), 'from a worker');
  await here.send('done');
  assert.equal(await task, 'done');
  for (const value of [here, listener])
    assert.match((await rejection(pool.apply((x: unknown) => x, [value]))).message, /stays where it was made/);
});

testClean('connection: nothing that is open keeps a program alive, but a wait does', {}, async () => {
  const { stdout, code } = await runScript(`
    import { Client, Listener } from 'manycore/connection';
    const listener = new Listener(undefined, { authKey: 'k' });
    const [here, there] = await Promise.all([listener.accept(), Client(listener.address, { authKey: 'k' })]);
    setTimeout(() => there.send('late'), 50);
    console.log(await here.recv());
  `);
  assert.deepEqual([stdout, code], ['late\n', 0]);
});

testClean('connection: another server than a listener is no trouble', {}, async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = await Client(server.address() as { port: number });
  assert.equal((await rejection(client.recv())).name, 'FrameTooLargeError');
  client.close();
  await new Promise((resolve) => server.close(resolve));
});
