import { strict as assert } from 'node:assert';
import crypto from 'node:crypto';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { createServer, type Server } from 'node:net';
import { inspect } from 'node:util';
import type { ConnectionLostError } from 'manycore';
import { type Address, Client } from 'manycore/connection';
import { responseTo, secretOf, verify } from '#internal/connection/digests.js';
import { eventually, rejection, testClean } from '../matrix.ts';
import { authKey, pair, RawClient, testListener } from './support.ts';

const secret = secretOf('secret', false);
const legacy = secretOf('secret', true);
const oldChallenge = Buffer.alloc(20, 1);
const challenge = Buffer.concat([Buffer.from('{sha256}'), Buffer.alloc(40, 2)]);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

testClean("handshake: the digests are CPython's, the old and the new ones (I231, I232)", {}, () => {
  const sha = '4dc5979b63b9c6c47aba4bb832a66ffd016b811e531ae2ca24667ab6905b9d35';
  assert.deepEqual(responseTo(oldChallenge, legacy), hex('6f50b9d0450be0d4f51cc5350fc028f8'));
  assert.deepEqual(responseTo(challenge, secret), Buffer.concat([Buffer.from('{sha256}'), hex(sha)]));
  verify(Buffer.concat([Buffer.from('{sha256}'), hex(sha)]), challenge, secret);
  verify(hex('9d7b1ea4888a3128212186d2a8fc7814'), challenge, legacy);
  for (const name of ['sha384', 'sha3_256', 'sha3_384']) {
    const other = Buffer.concat([Buffer.from(`{${name}}`), Buffer.alloc(40, 3)]);
    verify(responseTo(other, secret), other, secret);
  }
});

testClean('handshake: an unknown digest, or a challenge that is too short, is refused (I231)', {}, () => {
  for (const name of ['sha1', 'sha512', '', 'constructor', '__proto__', 'x'.repeat(30)]) {
    const odd = Buffer.concat([Buffer.from(`{${name}}`), Buffer.alloc(40)]);
    assert.throws(() => responseTo(odd, legacy), { name: 'AuthenticationError' });
    assert.throws(() => verify(odd, challenge, legacy), { name: 'AuthenticationError' });
  }
  for (const length of [0, 1, 16, 19, 21, 48])
    assert.throws(() => responseTo(Buffer.alloc(length), legacy), { name: 'AuthenticationError' }, String(length));
});

testClean('handshake: MD5 is refused, asked for or answered, unless it is allowed (I7)', {}, () => {
  const named = Buffer.concat([Buffer.from('{md5}'), Buffer.alloc(40)]);
  for (const bad of [
    () => responseTo(oldChallenge, secret),
    () => responseTo(named, secret),
    () => verify(hex('9d7b1ea4888a3128212186d2a8fc7814'), challenge, secret),
    () => verify(responseTo(named, legacy), named, secret),
  ])
    assert.throws(bad, { name: 'AuthenticationError', message: /legacy: true/ });
  verify(responseTo(named, legacy), named, legacy);
});

testClean('handshake: digests are compared in constant time, whatever differs (I23)', {}, (t) => {
  const lengths: number[] = [];
  const { timingSafeEqual } = crypto;
  t.mock.method(crypto, 'timingSafeEqual', (a: NodeJS.ArrayBufferView, b: NodeJS.ArrayBufferView) => {
    lengths.push(a.byteLength, b.byteLength);
    return timingSafeEqual(a, b);
  });
  syncBuiltinESMExports();
  try {
    const right = responseTo(challenge, secret);
    for (const at of [8, 20, 39]) {
      const wrong = Buffer.from(right);
      wrong[at]! ^= 1;
      assert.throws(() => verify(wrong, challenge, secret), { name: 'AuthenticationError' });
    }
    assert.deepEqual(lengths, Array(6).fill(32));
  } finally {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
});

testListener(
  'handshake: a wrong key is an error on both sides, and the next client is accepted (I230, I3)',
  { authKey },
  async (listener) => {
    for (const wrong of ['another', '', 'x'.repeat(1_000_000)]) {
      const accepted = rejection(listener.accept());
      const error = await rejection(Client(listener.address, { authKey: wrong }));
      assert.equal(error.name, 'AuthenticationError');
      assert.match(error.message, /the digest sent was rejected/);
      const theirs = await accepted;
      assert.equal(theirs.name, 'AuthenticationError');
      assert.match(theirs.message, /the digest received was wrong/);
      assert.doesNotMatch(`${inspect(error, { showHidden: true })}${inspect(theirs)}`, /a key of both/);
    }
    const [here, there] = await pair(listener, authKey);
    await there.send('in');
    assert.equal(await here.recv(), 'in');
    here.close();
    there.close();
  },
);

testListener(
  'handshake: a client that fails before anybody accepts is told of by the next accept',
  { authKey },
  async (listener) => {
    await rejection(Client(listener.address, { authKey: 'another' }));
    assert.equal((await rejection(listener.accept())).name, 'AuthenticationError');
  },
);

testListener('handshake: an empty key is a key (I228)', { authKey: '' }, async (listener) => {
  const [here, there] = await pair(listener, '');
  here.close();
  there.close();
  const accepted = rejection(listener.accept());
  await rejection(Client(listener.address, { authKey: 'x' }));
  assert.equal((await accepted).name, 'AuthenticationError');
});

testListener('handshake: a recorded one is worth nothing (I4)', { authKey }, async (listener) => {
  const key = secretOf(authKey, false);
  const first = new RawClient(listener.address);
  const recorded = responseTo(await first.challenge(), key);
  first.send(recorded);
  assert.equal(String(await first.message()), '#WELCOME#');
  first.socket.destroy();
  assert.equal((await rejection(listener.accept())).name, 'ConnectionLostError');
  const second = new RawClient(listener.address);
  await second.challenge();
  second.send(recorded);
  assert.equal(String(await second.message()), '#FAILURE#');
  await second.closed;
  assert.match((await rejection(listener.accept())).message, /was wrong/);
});

testListener(
  'handshake: what is not one is closed at once, whatever its size (I2, I8)',
  { authKey },
  async (listener) => {
    const long = Buffer.alloc(4);
    long.writeInt32BE(257);
    const longest = Buffer.concat([Buffer.alloc(4, 0xff), Buffer.alloc(8, 0x7f)]);
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from('160301020001000', 'hex'),
      Buffer.alloc(1_000_000, 0xff),
      long,
      longest,
    ]) {
      const { socket, closed } = new RawClient(listener.address);
      socket.write(bytes);
      const error = await rejection(listener.accept());
      assert.equal(error.name, 'AuthenticationError');
      await closed;
    }
  },
);

testListener('handshake: changed on the way it fails (I9)', { authKey }, async (listener) => {
  const proxy = await tamper(listener.address, (chunk) => {
    const changed = Buffer.from(chunk);
    if (chunk.length > 40) changed[chunk.length - 1]! ^= 1;
    return changed;
  });
  const accepted = rejection(listener.accept());
  assert.equal((await rejection(Client(proxy.address, { authKey }))).name, 'AuthenticationError');
  assert.equal((await accepted).name, 'AuthenticationError');
  proxy.close();
});

testClean('handshake: our own challenge that comes back, on another connection, is not answered (I5)', {}, async () => {
  // A server without the key: it has the second client answer what the first one asks.
  let asked: Buffer | undefined;
  const sent: string[] = [];
  const server = createServer((socket) => {
    const client = new RawClient(socket);
    void (async () => {
      client.send(Buffer.concat([Buffer.from('#CHALLENGE#'), asked ?? challenge]));
      const response = await client.message();
      if (response === undefined) return;
      sent.push(response.toString('latin1', 0, 8));
      client.send('#WELCOME#');
      asked = await client.challenge();
    })();
  });
  const address = await listen(server);
  const stop = new AbortController();
  const first = rejection(Client(address, { authKey, signal: stop.signal }));
  await eventually(() => asked !== undefined);
  const error = await rejection(Client(address, { authKey }));
  assert.equal(error.name, 'AuthenticationError');
  assert.match(error.message, /our own challenge/);
  assert.equal(sent.length, 1, 'it was not answered');
  stop.abort();
  assert.equal((await first).name, 'AbortError');
  await new Promise((resolve) => server.close(resolve));
});

testClean('handshake: a listener that does not have the key is found out (I3)', {}, async () => {
  const server = createServer((socket) => {
    const client = new RawClient(socket);
    void (async () => {
      client.send(Buffer.concat([Buffer.from('#CHALLENGE#'), challenge]));
      await client.message();
      client.send('#WELCOME#');
      const question = await client.challenge();
      client.send(responseTo(question, secretOf('guessed', false)));
    })();
  });
  const error = await rejection(Client(await listen(server), { authKey }));
  assert.match(error.message, /digest received was wrong/);
  await new Promise((resolve) => server.close(resolve));
});

testClean('handshake: who asks for no key, though there should be one, is refused', {}, async () => {
  const server = createServer((socket) => new RawClient(socket).send('hello'));
  const error = await rejection(Client(await listen(server), { authKey }));
  assert.match(error.message, /asks for no key/);
  await new Promise((resolve) => server.close(resolve));
});

/** The peer goes away at each step of the handshake: before it, in the middle of a message, after its first and second. */
const listenerSteps: readonly ((client: RawClient) => Promise<unknown>)[] = [
  async () => undefined,
  async (client) => client.socket.write(Buffer.from([0, 0, 0, 59, 0x23])),
  async (client) => client.send(Buffer.concat([Buffer.from('#CHALLENGE#'), challenge])),
  async (client) => {
    client.send(Buffer.concat([Buffer.from('#CHALLENGE#'), challenge]));
    await client.message();
  },
  async (client) => {
    client.send(Buffer.concat([Buffer.from('#CHALLENGE#'), challenge]));
    await client.message();
    client.send('#WELCOME#');
    await client.challenge();
  },
];

for (const how of ['destroy', 'resetAndDestroy', 'end'] as const)
  testClean(
    `handshake: a listener that goes away in the middle of it is a lost connection, by ${how}`,
    {},
    async () => {
      for (const [step, act] of listenerSteps.entries()) {
        const server = createServer((socket) => {
          const client = new RawClient(socket);
          void act(client)
            .then(() => socket.writableLength === 0 || new Promise((done) => socket.once('drain', done)))
            .then(() => socket[how]());
        });
        const error = await rejection(Client(await listen(server), { authKey }));
        assert.equal(error.name, 'ConnectionLostError', `step ${step}: ${error.stack}`);
        assert.equal((error as ConnectionLostError).maybeExecuted, false);
        await new Promise((resolve) => server.close(resolve));
      }
    },
  );

const clientSteps: readonly ((client: RawClient) => Promise<unknown>)[] = [
  async () => undefined,
  async (client) => client.challenge(),
  async (client) => client.socket.write(Buffer.from([0, 0, 0, 40, 0x7b])),
  async (client) => {
    client.send(responseTo(await client.challenge(), secretOf(authKey, false)));
    await client.message();
  },
  async (client) => {
    client.send(responseTo(await client.challenge(), secretOf(authKey, false)));
    await client.message();
    client.send(Buffer.concat([Buffer.from('#CHALLENGE#'), challenge]));
    await client.message();
  },
];

for (const how of ['destroy', 'resetAndDestroy', 'end'] as const)
  testListener(
    `handshake: a client that goes away in the middle of it is a lost connection, by ${how}, and the next is accepted`,
    { authKey, at: { port: 0 } },
    async (listener) => {
      for (const [step, act] of clientSteps.entries()) {
        const client = new RawClient(listener.address);
        const accepted = rejection(listener.accept());
        await once(client.socket, 'connect');
        await act(client);
        client.socket[how]();
        const error = await accepted;
        assert.equal(error.name, 'ConnectionLostError', `step ${step}: ${error.stack}`);
      }
      const [here, there] = await pair(listener, authKey);
      here.close();
      there.close();
    },
  );

async function listen(server: Server): Promise<Address> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address() as { port: number };
}

/** Somebody in the middle, who changes what goes to the listener. */
async function tamper(
  address: Address,
  change: (chunk: Buffer) => Buffer,
): Promise<{ readonly address: Address; close(): void }> {
  const server = createServer((near) => {
    const far = new RawClient(address).socket;
    near.on('error', () => {});
    near.on('data', (chunk: Buffer) => far.write(change(chunk)));
    far.on('data', (chunk: Buffer) => near.write(chunk));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroySoon());
  });
  return { address: await listen(server), close: () => server.close() };
}
