import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  BrokenPipeError,
  BufferTooShortError,
  Connection,
  ConnectionStateError,
  EndOfFileError,
  FrameTooLargeError,
  Pipe,
  Pool,
  Queue,
  TimeoutError,
  wait,
} from 'manycore';
import { collectGarbage, eachContext, rejection } from '../matrix.ts';
import { run, start, testQueues } from './support.ts';

const letters = new TextEncoder().encode('abcdefghijklmnopqrstuvwxyz');

testQueues('pipe: one end receives, the other sends, and not the other way round (H208)', async () => {
  const [reader, writer] = Pipe<never, string>({ duplex: false });
  assert.deepEqual([reader.readable, reader.writable, writer.readable, writer.writable], [true, false, false, true]);
  assert.ok((await rejection((reader as Connection).send(1))) instanceof ConnectionStateError);
  assert.ok((await rejection((writer as Connection).recv())) instanceof ConnectionStateError);
  assert.ok((await rejection((writer as Connection).poll())) instanceof ConnectionStateError);
  await (writer as Connection).send('x');
  assert.equal(await reader.recv(), 'x');
  assert.throws(() => Pipe({ duplx: true } as object), ArgumentTypeError);
});

testQueues('pipe: poll on an empty one is false, at once or after its timeout (H204)', async () => {
  const [a] = Pipe();
  assert.equal(await a.poll(), false);
  assert.equal(await a.poll({ timeout: -1 }), false);
  assert.equal(a.pollSync(), false);
  for (const poll of [() => a.poll({ timeout: 200 }), async () => a.pollSync({ timeout: 200 })]) {
    const start = performance.now();
    assert.equal(await poll(), false);
    assert.ok(performance.now() - start >= 195);
  }
});

testQueues('pipe: wrong arguments are named, and a wait in vain says how long it was', async () => {
  const [a, b] = Pipe();
  const options = /options of poll: expected an object, such as \{ timeout: 5_000 \} \(milliseconds\)\.$/;
  assert.match((await rejection(a.poll(1 as never))).message, options);
  assert.throws(() => a.pollSync({ time: 1 } as never), /"time" of pollSync/);
  assert.equal((await rejection(a.recv({ timeout: 5 }))).message, 'Nothing was received within 5 ms.');
  assert.throws(() => a.recvSync({ block: false }), { message: 'Nothing is there to be received.' });
  assert.match((await rejection(b.send({ f: new WeakMap() }))).message, /^Cannot send the value\.f: /);
  const filling = new Uint8Array(8_192);
  const full = await rejection(
    (async () => {
      for (;;) await b.send(filling, { timeout: 5 });
    })(),
  );
  assert.equal(full.message, 'Cannot send: the pipe is full, and there was no room within 5 ms.');
  assert.throws(() => a.recvBytesSync(1.5), /maxLength 1\.5: expected a whole number of at least 0\./);
  const wrong = 'Cannot wait for 5: wait() takes connections, processes, promises and streams.';
  assert.equal((await rejection(wait([a, 5 as never]))).message, wrong);
  assert.match((await rejection(wait([a], 5 as never))).message, /such as \{ timeout: 5_000 \} \(milliseconds\)\.$/);
});

testQueues('pipe: poll sees a message and leaves it whole (H205, H214)', async () => {
  const [a, b] = Pipe();
  await b.send({ x: [1, 2] });
  assert.equal(await a.poll({ timeout: 1_000 }), true);
  assert.equal(a.pollSync(), true);
  assert.deepEqual(await a.recv(), { x: [1, 2] });
  const polling = a.poll({ timeout: Number.POSITIVE_INFINITY });
  await b.send(1);
  assert.equal(await polling, true);
});

testQueues('pipe: a part of the bytes is sent; none are a message too (H210, H212)', async () => {
  const [a, b] = Pipe();
  await a.sendBytes(letters, 5);
  await a.sendBytes(letters, 7, 8);
  await a.sendBytes(letters, 26);
  a.sendBytesSync(letters, 26, 0);
  const text = async (): Promise<string> => new TextDecoder().decode(await b.recvBytes());
  assert.equal(await text(), 'fghijklmnopqrstuvwxyz');
  assert.equal(await text(), 'hijklmno');
  assert.equal(await b.poll(), true);
  assert.equal(await text(), '');
  assert.equal(b.recvBytesSync().length, 0);
  for (const [offset, size] of [[-1], [27], [0, -1], [0, 27], [20, 7]])
    assert.ok((await rejection(a.sendBytes(letters, offset, size))) instanceof ArgumentRangeError);
});

testQueues(
  'pipe: a buffer that is too small has the message in its error, and the connection goes on (H203)',
  async () => {
    const [a, b] = Pipe();
    const room = new Uint8Array(30);
    await a.sendBytes(letters);
    assert.equal(await b.recvBytesInto(room, 2), 26);
    assert.deepEqual(room.subarray(2, 28), letters);
    await a.sendBytes(letters);
    const error = await rejection(b.recvBytesInto(room, 5));
    assert.ok(error instanceof BufferTooShortError);
    assert.deepEqual(new Uint8Array(error.bytes), letters);
    await a.sendBytes(letters);
    assert.equal(b.recvBytesIntoSync(room), 26);
    assert.ok((await rejection(b.recvBytesInto(room, -1))) instanceof ArgumentRangeError);
    assert.ok((await rejection(b.recvBytesInto(room, 31))) instanceof ArgumentRangeError);
  },
);

testQueues('pipe: a message that is longer than allowed ends the receiving (H216)', async () => {
  const [a, b] = Pipe();
  await a.sendBytes(letters);
  assert.ok((await rejection(b.recvBytes(25))) instanceof FrameTooLargeError);
  assert.equal(b.readable, false);
  assert.ok((await rejection(b.recvBytes())) instanceof ConnectionStateError);
  await b.send('still');
  assert.equal(await a.recv(), 'still');
  const [reader, writer] = Pipe({ duplex: false });
  await writer.sendBytes(letters);
  assert.ok((await rejection(reader.recvBytes(1))) instanceof FrameTooLargeError);
  assert.equal(reader.closed, true);
});

testQueues('pipe: bytes are not taken for a value, and a value is not taken for bytes', async () => {
  const [a, b] = Pipe();
  await a.send('value');
  assert.ok((await rejection(b.recvBytes())) instanceof ConnectionStateError);
  assert.equal(await b.recv(), 'value');
  await a.sendBytes(letters);
  assert.deepEqual(new Uint8Array((await b.recv()) as Uint8Array), letters);
});

testQueues('pipe: closed ends say so, and are closed twice and by `using` (H207, H217, H221)', async () => {
  const [a, b] = Pipe();
  await b.send('last');
  b.close();
  b.close();
  assert.equal(await a.recv(), 'last');
  assert.equal(await a.poll(), true);
  assert.ok((await rejection(a.recv())) instanceof EndOfFileError);
  assert.ok((await rejection(a.send(1))) instanceof BrokenPipeError);
  assert.ok((await rejection(b.send(1))) instanceof ConnectionStateError);
  {
    using c = a;
    assert.equal(c.closed, false);
  }
  assert.equal(a.closed, true);
});

testQueues('pipe: who waits hears that the other end was closed (G12)', async () => {
  const [a, b] = Pipe();
  const waiting = rejection(a.recv());
  b.close();
  assert.ok((await waiting) instanceof EndOfFileError);
  const [c, d] = Pipe();
  const filling = rejection(
    (async () => {
      for (;;) await c.send('x'.repeat(10_000));
    })(),
  );
  d.close();
  assert.ok((await filling) instanceof BrokenPipeError);
});

testQueues('pipe: an end that nobody has any more is closed', async () => {
  const a = oneEnd();
  assert.ok((await rejection(a.recv({ timeout: 0 }))) instanceof TimeoutError);
  const ended = rejection(a.recv());
  const collecting = setInterval(collectGarbage, 20);
  assert.ok((await ended) instanceof EndOfFileError);
  clearInterval(collecting);
});

function oneEnd(): Connection {
  return Pipe()[0];
}

testQueues('wait: nothing to wait for, nothing ready, and less than no time (I237, I239, I241)', async () => {
  assert.deepEqual(await wait([]), []);
  const [a, b] = Pipe();
  const start = performance.now();
  assert.deepEqual(await wait([a], { timeout: 200 }), []);
  assert.ok(performance.now() - start >= 195);
  assert.deepEqual(await wait([a], { timeout: -1 }), []);
  const waiting = wait([a], { timeout: 10_000 });
  await b.send(1);
  assert.deepEqual(await waiting, [a]);
  assert.equal(await a.recv(), 1);
});

testQueues('wait: all that are ready, closed ones too, in their order (I236)', async () => {
  const pipes = Array.from({ length: 4 }, () => Pipe<number>());
  const readers = pipes.map(([reader]) => reader);
  await pipes[2]![1].send(1);
  pipes[0]![1].close();
  assert.deepEqual(await wait(readers), [readers[0], readers[2]]);
});

testQueues('wait: sockets and promises', async () => {
  const server = createServer();
  server.listen(0);
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const never = new Promise(() => {});
  assert.deepEqual(await wait([socket, never], { timeout: 50 }), []);
  client.write('x');
  assert.deepEqual(await wait<Socket | Promise<unknown>>([never, socket]), [socket]);
  assert.equal(String(socket.read()), 'x');
  const settled = Promise.reject(new Error('too'));
  assert.deepEqual(await wait<Socket | Promise<unknown>>([socket, settled]), [settled]);
  client.destroy();
  socket.destroy();
  server.close();
});

testQueues('pipe: signals during a blocking recv and send disturb neither (I235)', async () => {
  const [here, there] = Pipe<number, number>();
  const child = start(
    'process',
    (end: Connection<number, number>) => {
      process.on('SIGUSR2', () => undefined);
      end.sendSync(-1);
      for (let next = end.recvSync(); next >= 0; next = end.recvSync()) end.sendSync(next);
    },
    there,
  );
  assert.equal(await here.recv(), -1);
  const shower = setInterval(() => process.kill(child.pid!, 'SIGUSR2'), 1);
  try {
    for (let i = 0; i < 200; i++) {
      await nextTurn();
      await here.send(i);
      assert.equal(await here.recv(), i);
    }
  } finally {
    clearInterval(shower);
  }
  await here.send(-1);
  await child.join();
  assert.equal(child.exitCode, 0);
});

eachContext((context) => {
  testQueues('pipe: objects, bytes and arrays come back as they went (H201)', async () => {
    const [here, there] = Pipe();
    const child = start(
      context,
      async (end: Connection) => {
        for await (const message of end) await end.send(message);
      },
      there,
    );
    there.close();
    const messages = [1, 'x', { a: [1, { b: null }] }, new Map([[1, new Set([2])]]), new Float64Array([1.5, 2]), 12n];
    for (const message of messages) {
      await here.send(message);
      assert.deepEqual(await here.recv(), message);
    }
    here.close();
    await child.join();
    assert.equal(child.exitCode, 0);
  });

  testQueues('pipe: a message of 16 MiB arrives whole (H206)', async () => {
    const [here, there] = Pipe<Uint8Array, number>();
    const child = start(
      context,
      async (end: Connection<number, Uint8Array>) => {
        const bytes = await end.recv();
        await end.send(bytes.reduce((sum, byte) => sum + byte, 0));
      },
      there,
    );
    await here.send(new Uint8Array(2 ** 24).fill(1));
    assert.equal(await here.recv(), 2 ** 24);
    await child.join();
  });

  testQueues("pipe: the child's end may be closed here right after its start (H209)", async () => {
    for (let i = 0; i < 5; i++) {
      const [here, there] = Pipe<string>();
      const child = start(context, async (end: Connection<string>) => end.send('hello'), there);
      there.close();
      assert.equal(await here.recv(), 'hello');
      assert.ok((await rejection(here.recv())) instanceof EndOfFileError);
      await child.join();
    }
  });

  testQueues('pipe: an end goes through a pipe and through a queue (H218)', async () => {
    const [here, there] = Pipe<Connection<string>, string>();
    const [a, b] = Pipe<string>();
    const child = start(
      context,
      async (end: Connection<string, Connection<string>>) => {
        const given = await end.recv();
        await given.send('through');
        given.close();
      },
      there,
    );
    await here.send(b);
    b.close();
    assert.equal(await a.recv(), 'through');
    assert.ok((await rejection(a.recv())) instanceof EndOfFileError);
    await child.join();

    const q = new Queue<Connection<string>>();
    const [c, d] = Pipe<string>();
    await q.put(d);
    d.close();
    await run(context, async (queue: typeof q) => (await queue.get()).send('queued'), q);
    assert.equal(await c.recv(), 'queued');
  });

  testQueues('pipe: an end goes in the arguments of many tasks, and is one end', async () => {
    const pool = new Pool(2, { context });
    try {
      const [reader, writer] = Pipe<number>({ duplex: false });
      const done = pool.map(
        async ({ end, i }) => end.send(i),
        Array.from({ length: 500 }, (_, i) => ({ end: writer, i })),
      );
      const got = new Set<number>();
      for (let i = 0; i < 500; i++) got.add(await reader.recv({ timeout: 10_000 }));
      assert.equal(got.size, 500);
      await done;
      writer.close();
      await pool.terminate();
      assert.ok((await rejection(reader.recv({ timeout: 10_000 }))) instanceof EndOfFileError);
    } finally {
      await pool.terminate();
    }
  });

  testQueues('pipe: messages of two senders never mix (H222)', async () => {
    const [here, there] = Pipe<string, string>();
    const children = ['a', 'b'].map((letter) =>
      start(
        context,
        async (end: Connection<string>, mine: string) => {
          for (let i = 1; i <= 200; i++) await end.send(mine.repeat(i * 50));
        },
        there,
        letter,
      ),
    );
    there.close();
    let count = 0;
    for await (const message of here) {
      assert.ok(/^(?:a+|b+)$/.test(message));
      count++;
    }
    assert.equal(count, 400);
    for (const child of children) await child.join();
  });

  testQueues('pipe: many short messages, with polls between, come once each and in order (H213, H215)', async () => {
    const [here, there] = Pipe<number>();
    const child = start(
      context,
      async (end: Connection<number>) => {
        for (let i = 0; i < 2_000; i++) {
          await end.send(i);
          if (i % 100 === 0) await new Promise((resolve) => void setTimeout(resolve, 1));
        }
      },
      there,
    );
    for (let i = 0; i < 2_000; i++) {
      if (i % 3 === 0) assert.equal(await here.poll({ timeout: 10_000 }), true);
      assert.equal(await here.recv(), i);
    }
    await child.join();
  });

  testQueues('wait: a process that ends, and connections (I240)', async () => {
    const [here, there] = Pipe<string>();
    const child = start(
      context,
      async (end: Connection<string>) => {
        await end.send('up');
        await end.recv();
      },
      there,
    );
    assert.deepEqual(await wait([here, child]), [here]);
    assert.equal(await here.recv(), 'up');
    await here.send('go');
    assert.deepEqual(await wait([child]), [child]);
    await child.join();
  });
});
