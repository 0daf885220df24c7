import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { getDefaultAutoSelectFamilyAttemptTimeout, setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Listener, type SocketConnection, type TcpAddress } from 'manycore/connection';
import { eventually, rejection, testClean } from '../matrix.ts';
import { authKey, pair, RawClient, testListener } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'manycore-connection-test-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'socket');
const abstract = `\0manycore-test-${process.pid}`;

for (const [kind, address] of Object.entries({
  'a TCP port': { port: 0 },
  'a port of IPv6': { host: '::1', port: 0 },
  'a path': path,
  'an abstract name': abstract,
  'no address': undefined,
})) {
  const skip = process.platform !== 'linux' && typeof address === 'string' && address.startsWith('\0');
  testClean(`listener: at ${kind} clients find it, and nothing of it stays (I223, K4)`, { skip }, async () => {
    const listener = new Listener(address);
    await listener.ready;
    const [here, there] = await pair(listener);
    await there.send({ hello: [1, 2] });
    assert.deepEqual(await here.recv(), { hello: [1, 2] });
    await here.send(null);
    assert.equal(await there.recv(), null);
    const { lastAccepted } = listener;
    if (typeof listener.address === 'string') assert.equal(lastAccepted, '');
    else assert.equal((lastAccepted as TcpAddress).host, listener.address.host);
    here.close();
    there.close();
    const bound = listener.address;
    if (typeof bound === 'string' && !bound.startsWith('\0')) {
      assert.equal(statSync(bound).mode & 0o777, 0o600, 'for this user only (K4)');
      listener.close();
      assert.equal(existsSync(bound), false);
    }
    listener.close();
    listener.close();
    assert.equal(listener.closed, true);
    assert.equal((await rejection(Client(bound))).name, 'ConnectionLostError');
  });
}

testClean('listener: a second one at the same address is refused (I224)', {}, async () => {
  await using first = new Listener({ port: 0 });
  await first.ready;
  await using unix = new Listener(path);
  await unix.ready;
  for (const taken of [first.address, path]) {
    await using second = new Listener(taken);
    assert.equal(((await rejection(second.ready)) as NodeJS.ErrnoException).code, 'EADDRINUSE');
    assert.equal(((await rejection(second.accept())) as NodeJS.ErrnoException).code, 'EADDRINUSE');
    assert.equal(second.closed, true);
  }
  const [here, there] = await pair(unix);
  here.close();
  there.close();
  // Nobody has to look at what went wrong.
  void new Listener(path);
  await new Promise((resolve) => setImmediate(resolve));
});

testClean('listener: when it is closed accept says so, also one that waits (I225)', {}, async () => {
  let listener: Listener | undefined;
  let waiting: Promise<Error>;
  {
    await using inner = new Listener();
    listener = inner;
    waiting = rejection(inner.accept());
  }
  assert.equal((await waiting).name, 'ConnectionStateError');
  assert.match((await rejection(listener.accept())).message, /The listener is closed/);
  const early = new Listener({ port: 0 });
  assert.throws(() => early.address, { name: 'ConnectionStateError' });
  early.close();
  assert.equal((await rejection(early.ready)).name, 'ConnectionStateError');
});

testListener(
  'listener: a client that has gone by then is accepted with what it has said (I226)',
  {},
  async (listener) => {
    const there = await Client(listener.address);
    await there.send('I was here');
    await there.sendBytes(new Uint8Array());
    there.close();
    const here = await listener.accept();
    assert.equal(await here.poll({ timeout: 10_000 }), true);
    assert.equal(await here.recv(), 'I was here');
    assert.equal((await here.recvBytes()).length, 0);
    assert.equal(await here.poll({ timeout: 10_000 }), true, 'the end can be received');
    assert.equal((await rejection(here.recv())).name, 'EndOfFileError');
    here.close();
  },
);

testListener('listener: poll sees what was there before (I227)', { at: { port: 0 }, authKey }, async (listener) => {
  const [here, there] = await pair(listener, authKey);
  assert.equal(await here.poll(), false);
  await there.send('early');
  assert.equal(await here.poll({ timeout: 10_000 }), true);
  assert.equal(await here.poll(), true);
  assert.equal(await here.recv(), 'early');
  assert.equal(await here.poll({ timeout: -1 }), false);
  here.close();
  there.close();
});

testListener('listener: accept gives up in time, or at a signal (I239)', {}, async (listener) => {
  const start = performance.now();
  assert.equal((await rejection(listener.accept({ timeout: 100 }))).name, 'TimeoutError');
  assert.ok(performance.now() - start >= 90);
  assert.equal((await rejection(listener.accept({ timeout: 0 }))).name, 'TimeoutError');
  const stop = new AbortController();
  const accepted = rejection(listener.accept({ signal: stop.signal }));
  stop.abort();
  assert.equal((await accepted).name, 'AbortError');
  assert.equal((await rejection(listener.accept({ signal: stop.signal }))).name, 'AbortError');
  const [here, there] = await pair(listener);
  here.close();
  there.close();
});

testListener('listener: clients are iterated, bad ones passed over, to its close', { authKey }, async (listener) => {
  const seen: unknown[] = [];
  const server = (async () => {
    for await (const connection of listener) {
      for await (const message of connection) seen.push(message);
      if (seen.length === 4) listener.close();
    }
  })();
  for (const [key, from] of [
    [authKey, 0],
    ['wrong', 9],
    [authKey, 2],
  ] as const) {
    const client = await Client(listener.address, { authKey: key }).catch(() => undefined);
    await client?.send(from);
    await client?.send(from + 1);
    client?.close();
  }
  await server;
  assert.deepEqual(seen, [0, 1, 2, 3]);
});

testListener(
  'listener: those who are silent or slow are cut off, and others are served meanwhile (I1)',
  { authKey, test: { limit: 40_000 } },
  async (listener) => {
    const silent = Array.from({ length: 100 }, () => new RawClient(listener.address));
    const slow = new RawClient(listener.address);
    const dripping = setInterval(() => slow.socket.write('\0'), 500);
    await eventually(() => listener.statistics().unauthenticated === 101);
    // As many as may shake hands at once do: it takes until they are cut off, or somebody gives up.
    for (const client of silent.slice(0, 60)) client.socket.destroy();
    for (let i = 0; i < 20; i++) {
      const client = await Client(listener.address, { authKey });
      let here;
      do here = await listener.accept().catch(() => undefined);
      while (here === undefined);
      await client.send(i);
      assert.equal(await here.recv(), i);
      client.close();
      here.close();
    }
    await Promise.all([...silent, slow].map(({ closed }) => closed));
    clearInterval(dripping);
    await eventually(() => listener.statistics().unauthenticated === 0);
  },
);

testListener('listener: only so many wait to be accepted', { authKey, backlog: 3 }, async (listener) => {
  const connecting = async (): Promise<SocketConnection> => Client(listener.address, { authKey });
  const clients = [];
  for (let i = 0; i < 3; i++) clients.push(Promise.resolve(await connecting()));
  for (let i = 0; i < 3; i++) clients.push(connecting());
  await eventually(() => listener.statistics().waiting === 3 && listener.statistics().unauthenticated === 3);
  const accepted = [];
  for (let i = 0; i < 6; i++) accepted.push(await listener.accept());
  for (const connection of [...(await Promise.all(clients)), ...accepted]) connection.close();
});

testClean('listener: who fails again and again fills nothing', {}, async () => {
  await using listener = new Listener(undefined, { authKey, backlog: 2 });
  for (let i = 0; i < 10; i++) await rejection(Client(listener.address, { authKey: 'wrong' }));
  for (let i = 0; i < 2; i++) assert.equal((await rejection(listener.accept())).name, 'AuthenticationError');
  assert.equal((await rejection(listener.accept({ timeout: 20 }))).name, 'TimeoutError');
});

testClean('listener: a short patience of all sockets with addresses disturbs none (I234)', {}, async () => {
  const before = getDefaultAutoSelectFamilyAttemptTimeout();
  setDefaultAutoSelectFamilyAttemptTimeout(10);
  try {
    for (const host of ['127.0.0.1', 'localhost']) {
      await using listener = new Listener({ host, port: 0 }, { authKey });
      await listener.ready;
      const [here, there] = await pair(listener, authKey);
      const received = here.recv();
      assert.equal(await there.poll({ timeout: 50 }), false);
      await there.send('late');
      assert.equal(await received, 'late');
      here.close();
      there.close();
    }
  } finally {
    setDefaultAutoSelectFamilyAttemptTimeout(before);
  }
});

testClean('listener: signals during accept and recv disturb neither (I235)', {}, async () => {
  let signals = 0;
  const count = (): void => void signals++;
  process.on('SIGUSR2', count);
  const shower = setInterval(() => process.kill(process.pid, 'SIGUSR2'), 1);
  const someSignals = (): Promise<void> => {
    const enough = signals + 5;
    return eventually(() => signals >= enough);
  };
  try {
    await using listener = new Listener({ port: 0 }, { authKey });
    const accepted = listener.accept();
    await someSignals();
    const there = await Client(listener.address, { authKey });
    const here = await accepted;
    for (let i = 0; i < 20; i++) {
      const received = here.recv();
      await someSignals();
      await there.send(`message ${i}`);
      assert.equal(await received, `message ${i}`);
    }
    here.close();
    there.close();
  } finally {
    clearInterval(shower);
    process.off('SIGUSR2', count);
  }
});

testClean('listener: what is no address or option is refused (I233, I25)', {}, async () => {
  const bad: [unknown, object, RegExp][] = [
    [undefined, { family: 'AF_PIPE' }, /Family "AF_PIPE" is not recognized/],
    [undefined, { family: 'unix' }, /not recognized/],
    [path, { family: 'AF_INET' }, /is one of AF_UNIX/],
    [{ port: 0 }, { family: 'AF_UNIX' }, /is one of AF_INET/],
    [{ host: '0.0.0.0', port: 0 }, {}, /insecure: true/],
    [{ host: '', port: 0 }, {}, /insecure: true/],
    [{ host: '10.0.0.1', port: 0 }, {}, /insecure: true/],
    [{ port: 65_536 }, {}, /port 65536/],
    [{ port: '1' }, {}, /expected a path/],
    ['', {}, /expected the path/],
    ['x'.repeat(200), {}, /at most 107 bytes/],
    [7, {}, /expected a path/],
    [undefined, { authKey: 7 }, /expected bytes or a string/],
    [undefined, { authkey: 'x' }, /Did you mean "authKey"/],
    [undefined, { backlog: 0 }, /backlog/],
    [undefined, { legacy: 'yes' }, /legacy/],
    [undefined, { maxMessageBytes: 0 }, /maxMessageBytes/],
  ];
  for (const [address, options, message] of bad)
    assert.throws(() => new Listener(address as string, options), { message }, JSON.stringify([address, options]));
  for (const [address, options, message] of bad.filter(
    ([, { backlog }]: [unknown, { backlog?: number }, RegExp]) => backlog === undefined,
  ))
    if (address !== undefined) assert.match((await rejection(Client(address as string, options))).message, message);
  assert.match((await rejection(Client(undefined as never))).message, /needs an address/);
  await using open = new Listener({ host: '0.0.0.0', port: 0 }, { insecure: true });
  await open.ready;
});

testClean('listener: a client that nobody answers gives up (I1)', {}, async () => {
  await using listener = new Listener();
  const error = await rejection(Client(listener.address, { authKey, timeout: 50 }));
  assert.equal(error.name, 'TimeoutError');
  const stop = new AbortController();
  const client = rejection(Client(listener.address, { authKey, signal: stop.signal }));
  stop.abort();
  assert.equal((await client).name, 'AbortError');
  assert.equal((await rejection(Client(listener.address, { signal: stop.signal }))).name, 'AbortError');
});
