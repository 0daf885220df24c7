import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { getContext, SerializationError, task, WorkerLostError } from 'manycore';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';
import { runScript, withoutKoffi } from '../run-script.ts';
import { Broken } from './fixtures/broken-elsewhere.ts';

/** Answers the first that comes with what it is and who answers, and ends. */
function answer(socket: Socket): Promise<string> {
  const { pid } = process;
  const { threadId } = process.getBuiltinModule('node:worker_threads');
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (text) => socket.end(`${pid}/${threadId}: ${String(text)}`));
    socket.on('close', () => resolve(`${pid}/${threadId}`));
  });
}

/** A listening server; its connections come to `take`. */
async function listen(
  take: (socket: Socket) => void,
  pauseOnConnect = true,
): Promise<{ server: Server; port: number }> {
  const server = createServer({ pauseOnConnect }, take).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** Sends a text and returns all that is answered. */
async function ask(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket.write(text);
  let heard = '';
  for await (const chunk of socket as AsyncIterable<string>) heard += chunk;
  return heard;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}

/** One connection: the end that was accepted, and the other. */
async function pair(): Promise<{ accepted: Socket; client: Socket; server: Server }> {
  let take!: (socket: Socket) => void;
  const connected = new Promise<Socket>((resolve) => (take = resolve));
  const { server, port } = await listen((socket) => take(socket));
  server.once('connection', () => server.on('connection', (other) => other.resume()));
  const client = connect(port, '127.0.0.1');
  return { accepted: await connected, client, server };
}

function openSockets(): number {
  const kinds = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // The listing's own.
    }
  });
  return kinds.filter((kind) => kind.startsWith('socket:')).length;
}

eachContext((context) => {
  testPool(
    'sockets: each connection is answered by some worker, by several in all',
    { context, workers: 3 },
    async (pool) => {
      const results: Promise<string>[] = [];
      const { server, port } = await listen((socket) => results.push(pool.apply(answer, [socket])));
      const texts = Array.from({ length: 100 }, (_, i) => `request ${i}`);
      const answers = await Promise.all(texts.map((text) => ask(port, text)));
      assert.deepEqual(
        answers.map((line) => line.replace(/^.*: /, '')),
        texts,
      );
      const workers = new Set(await Promise.all(results));
      assert.ok(workers.size > 1, [...workers].join());
      assert.deepEqual(new Set(answers.map((line) => line.replace(/: .*$/, ''))), workers);
      await close(server);
    },
  );

  testPool('sockets: what was read of a connection before goes along', { context, workers: 1 }, async (pool) => {
    let given: Promise<string> | undefined;
    const { server, port } = await listen(async (socket) => {
      await once(socket, 'readable');
      assert.ok(socket.readableLength > 0);
      given = pool.apply(answer, [socket]);
    }, false);
    assert.match(await ask(port, 'read too early'), /: read too early$/);
    await given;
    await close(server);
  });

  testPool('sockets: many at once in one call, and in a list', { context, workers: 2 }, async (pool) => {
    const accepted: Socket[] = [];
    const { server, port } = await listen((socket) => accepted.push(socket));
    const asked = Promise.all(Array.from({ length: 40 }, (_, i) => ask(port, `${i}`)));
    await eventually(() => accepted.length === 40);
    await pool.map(answer, accepted.slice(0, 20), { chunkSize: 5 });
    const answerAll = async (sockets: readonly Socket[]): Promise<number> =>
      (await Promise.all(sockets.map(answer))).length;
    assert.equal(await pool.apply(answerAll, [accepted.slice(20)]), 20);
    assert.equal((await asked).length, 40);
    await close(server);
  });

  testPool('sockets: one whose descriptor is above 256 (H219)', { context, workers: 1 }, async (pool) => {
    const many = Array.from({ length: 300 }, () => openSync('/dev/null', 'r'));
    try {
      assert.ok(Math.max(...many) > 256);
      const { accepted, client, server } = await pair();
      const heard = once(client.setEncoding('utf8'), 'data');
      await pool.apply((socket) => new Promise((resolve) => socket.end('from there', () => resolve(true))), [accepted]);
      assert.deepEqual(await heard, ['from there']);
      client.destroy();
      await close(server);
    } finally {
      many.forEach(closeSync);
    }
  });

  testPool('sockets: that of a task that never began is still here', { context, workers: 1 }, async (pool) => {
    const before = await pool.apply(openSockets);
    const { accepted, client, server } = await pair();
    const stop = new AbortController();
    const busy = pool.apply(() => new Promise((resolve) => task().signal.addEventListener('abort', resolve)), [], {
      signal: stop.signal,
    });
    const given = new AbortController();
    const waiting = pool.apply(answer, [accepted], { signal: given.signal });
    given.abort();
    assert.equal((await rejection(waiting)).name, 'AbortError');
    stop.abort();
    await rejection(busy);
    assert.equal(accepted.destroyed, false);
    accepted.resume().end('503');
    client.setEncoding('utf8');
    const heard = (await once(client, 'data')) as unknown[];
    assert.deepEqual(heard, ['503']);
    client.destroy();
    // A thread's are this process's, which are counted after the test.
    if (context === 'process') assert.equal(await pool.apply(openSockets), before);
    await close(server);
  });

  testPool(
    'sockets: a connection goes with its worker, and its task is lost',
    { context, workers: 1 },
    async (pool) => {
      const { accepted, client, server } = await pair();
      const lost = pool.apply(
        (socket) => {
          socket.write('begun');
          return new Promise((_, reject) => socket.on('data', () => process.exit(7)).on('error', reject));
        },
        [accepted],
      );
      await once(client, 'data');
      assert.equal(accepted.destroyed, true);
      const ended = once(client, 'close');
      client.on('error', () => undefined).resume();
      client.write('die');
      assert.ok((await rejection(lost)) instanceof WorkerLostError);
      await ended;
      await close(server);
    },
  );

  testPool(
    'sockets: more at once than the way to a worker takes',
    { context, workers: 1, concurrency: 1_000 },
    async (pool) => {
      const count = 400;
      const results: Promise<string>[] = [];
      const { server, port } = await listen((socket) => results.push(pool.apply(answer, [socket])));
      await pool.apply(() => 0);
      // The worker takes nothing meanwhile.
      const blocked = pool.apply(
        (ms) => {
          const end = performance.now() + ms;
          while (performance.now() < end);
        },
        [500],
      );
      const answers = await Promise.all(Array.from({ length: count }, (_, i) => ask(port, `${i}`)));
      assert.ok(answers.every((line, i) => line.endsWith(`: ${i}`)));
      assert.equal((await Promise.all(results)).length, count);
      await blocked;
      await close(server);
    },
  );

  testPool(
    'sockets: a listening server is shared with tasks, and stays open here',
    { context, workers: 2 },
    async (pool) => {
      const { server, port } = await listen((socket) => socket.resume().end('host'), false);
      const serve = (shared: Server): Promise<number> =>
        new Promise((resolve) => {
          shared.on('connection', (socket) => {
            socket.end('worker');
            shared.close(() => resolve(1));
          });
        });
      const served = [pool.apply(serve, [server]), pool.apply(serve, [server])];
      const each = Promise.all(served);
      while (!served.every((result) => result.ready())) assert.match(await ask(port, ''), /^(?:host|worker)$/);
      assert.deepEqual(await each, [1, 1]);
      assert.equal(server.listening, true);
      await close(server);
    },
  );

  testClean('sockets: a server in initArgs is served by each worker', {}, async () => {
    const { Pool } = getContext(context);
    const { server, port } = await listen(() => assert.fail('the host accepts nothing'));
    const initializer = (shared: Server): void => {
      shared.on('connection', (socket) => socket.end('served'));
    };
    // Closed before anyone connects: only copies of it are left.
    const pool = new Pool(2, { initializer, initArgs: [server] });
    await pool.broadcast(() => 0, []);
    await close(server);
    for (let i = 0; i < 5; i++) assert.equal(await ask(port, ''), 'served');
    await pool.terminate();
    const { accepted, client, server: other } = await pair();
    assert.throws(
      () => new Pool(2, { initializer: () => undefined, initArgs: [accepted] as never }),
      /initArgs\[0\]: a connection can go to one worker only/,
    );
    accepted.destroy();
    client.destroy();
    await close(other);
  });

  testClean('sockets: a Process gets a connection, which is closed here', {}, async () => {
    const { Process } = getContext(context);
    const { accepted, client, server } = await pair();
    await using child = new Process({ target: answer, args: [accepted] }).start();
    assert.equal(accepted.destroyed, true);
    client.setEncoding('utf8').write('hello');
    assert.match(String(await once(client, 'data')), /: hello$/);
    client.end();
    await child.join();
    assert.equal(child.exitCode, 0);
    await close(server);
  });

  testPool('sockets: refused by name and path when they cannot go', { context, workers: 1 }, async (pool) => {
    const { accepted, client, server } = await pair();
    const nothing = (): void => undefined;
    const udp = createSocket('udp4');
    const tls = new TLSSocket(client, { isServer: false });
    tls.on('error', nothing);
    const web = createHttpServer().listen(0);
    await once(web, 'listening');
    const connecting = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const connected = once(connecting, 'connect');
    const refused: [unknown, RegExp][] = [
      [udp, /args\[0\]\.it: it is a (dgram\.)?Socket, which lives in this process/],
      [tls, /args\[0\]\.it: the keys of a TLS connection live in this process/],
      [web, /args\[0\]\.it: what an instance of Server does with connections lives/],
      [connecting, /args\[0\]\.it: the socket is not connected yet/],
    ];
    for (const [it, message] of refused) {
      const error = await rejection(pool.apply(nothing, [{ it }] as never));
      assert.ok(error instanceof SerializationError);
      assert.match(error.message, message);
    }
    assert.match(
      (await rejection(pool.apply(() => accepted.remotePort))).message,
      /variable "accepted" cannot travel: an open socket cannot be captured/,
    );
    const twice = await Promise.allSettled([
      pool.apply(nothing, [accepted] as never),
      pool.apply(nothing, [accepted] as never),
    ]);
    assert.equal(twice.filter(({ status }) => status === 'rejected').length, 1);
    assert.match(
      (await rejection(pool.apply(nothing, [accepted] as never))).message,
      /the socket is closed, or was given/,
    );
    await connected;
    connecting.destroy();
    udp.close();
    tls.destroy();
    client.destroy();
    web.close();
    await once(web, 'close');
    await close(server);
  });

  testPool('sockets: a worker cannot hand one back', { context, workers: 1 }, async (pool) => {
    const { accepted, client, server } = await pair();
    const error = await rejection(pool.apply((socket) => ({ socket }), [accepted]));
    assert.ok(error instanceof SerializationError);
    assert.match(error.message, /^Cannot send the result\.socket: it is a net\.Socket, which lives/);
    client.destroy();
    await close(server);
  });
});

testPool(
  'sockets (process): those beside arguments that cannot be read there are closed there, and stay here',
  { context: 'process', workers: 1, env: { ...process.env, BROKEN: 'yes' } },
  async (pool) => {
    const nothing = (): void => undefined;
    await pool.apply(nothing);
    const before = await pool.apply(openSockets);
    for (const socketFirst of [true, false]) {
      const { accepted, client, server } = await pair();
      const both = [accepted, new Broken()];
      const error = await rejection(pool.apply(nothing, [socketFirst ? both : both.toReversed()] as never));
      assert.match(error.message, /broken on purpose/);
      assert.equal(await pool.apply(openSockets), before);
      client.setEncoding('utf8');
      accepted.resume().end('still here');
      assert.deepEqual(await once(client, 'data'), ['still here']);
      await close(server);
    }
  },
);

testClean(
  'sockets (process): a task whose worker died before it began has its connection all the same',
  {},
  async () => {
    const { Pool } = getContext('process');
    const pool = new Pool(1);
    const short = (): number => 0;
    // Known to be short, so that the next is sent behind it.
    await pool.map(
      short,
      Array.from({ length: 100 }, () => 0),
    );
    const { accepted, client, server } = await pair();
    const [first, second] = await Promise.allSettled([
      pool.apply(() => process.kill(process.pid, 'SIGKILL')),
      (async () => {
        const answered = pool.apply(answer, [accepted]);
        client.setEncoding('utf8').write('still here?');
        const heard = String(await once(client, 'data'));
        client.end();
        await answered;
        return heard;
      })(),
    ]);
    assert.equal(first.status, 'rejected');
    assert.match(second.status === 'fulfilled' ? second.value : String(second.reason), /: still here\?$/);
    await pool.terminate();
    await close(server);
  },
);

testClean('sockets: without koffi the error says so (K14)', {}, async () => {
  const { stdout, stderr, code } = await runScript(`
    ${withoutKoffi}
    const { Pool } = await import('manycore');
    const { createServer, connect } = await import('node:net');
    const { once } = await import('node:events');
    const pool = new Pool(1);
    const server = createServer().listen(0);
    await once(server, 'listening');
    console.log(await pool.apply(() => 1, [server]).catch(({ message }) => message));
    await pool.terminate();
    server.close();`);
  assert.equal(stderr, '');
  assert.match(stdout, /^Cannot send args\[0\]: to hand over an open socket takes Linux and koffi/);
  assert.equal(code, 0);
});
