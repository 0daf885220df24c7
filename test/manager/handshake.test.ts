import { strict as assert } from 'node:assert';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { Manager } from 'manycore';
import type { TcpAddress } from 'manycore/managers';
import { AuthKey } from '#internal/manager/auth-key.js';
import { ClientHandshake, ServerHandshake } from '#internal/manager/handshake.js';
import { rejection, testClean } from '../matrix.ts';
import { authKey, testServer } from './support.ts';

const tls = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const;

testServer(
  'handshake: a man in the middle of two TLS connections cannot pass proofs on (I5)',
  { address: { port: 0 } },
  async (client, server) => {
    const { port } = server.address as TcpAddress;
    // He has got the key of the TLS connections, by whatever means, and passes the handshake on between them.
    const psk = new AuthKey(authKey).derive('tls-psk').export();
    const sockets: TLSSocket[] = [];
    let passed = 0;
    const relay = createServer({ ...tls, pskCallback: () => psk }, (near) => {
      const far = connect({
        ...tls,
        port,
        host: '127.0.0.1',
        pskCallback: () => ({ psk, identity: 'manycore' }),
        checkServerIdentity: () => undefined,
      });
      sockets.push(near, far);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('error', () => {});
        from.on('close', () => to.destroySoon());
        from.on('data', (chunk: Buffer) => {
          passed += chunk.length;
          to.write(chunk);
        });
      }
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const refused = server.statistics().refused;
    const address = { port: (relay.address() as AddressInfo).port };
    const error = await rejection(Manager.connect(address, { authKey }));
    assert.equal(error.name, 'AuthenticationError');
    assert.match(error.message, /digest sent was rejected/);
    assert.ok(passed > 100, 'the proof was passed on');
    assert.equal(server.statistics().refused, refused + 1);
    assert.equal(await client.list([1]).length(), 1);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => relay.close(resolve));
  },
);

/** Both sides until one of them throws; what was said by the server. */
function shakeHands(client: Uint8Array, server: Uint8Array, change: (proof: Buffer) => Buffer): Buffer[] {
  const said: Buffer[] = [];
  const sent: Buffer[] = [];
  const secrets = (key: Uint8Array) => ({ key: new AuthKey(key).derive('handshake'), binding: new Uint8Array(32) });
  const there = new ServerHandshake(secrets(server), { flags: 0, maxFrameBytes: 1_000 }, (bytes) => said.push(bytes));
  const here = new ClientHandshake(secrets(client), (bytes) => sent.push(bytes));
  there.push(sent[0]!);
  here.push(said[0]!);
  assert.throws(() => there.push(change(sent[1]!)), { name: 'AuthenticationError' });
  return said;
}

testClean('handshake: digests are compared in constant time, whatever differs (I23)', {}, (t) => {
  const lengths: number[] = [];
  const { timingSafeEqual } = crypto;
  t.mock.method(crypto, 'timingSafeEqual', (a: NodeJS.ArrayBufferView, b: NodeJS.ArrayBufferView) => {
    lengths.push(a.byteLength, b.byteLength);
    return timingSafeEqual(a, b);
  });
  syncBuiltinESMExports();
  try {
    const answers = [0, 15, 31].map((at) =>
      shakeHands(authKey, authKey, (proof) => {
        const changed = Buffer.from(proof);
        changed[at]! ^= 1;
        return changed;
      }),
    );
    answers.push(shakeHands(Buffer.alloc(32, 1), authKey, (proof) => proof));
    for (const [, verdict] of answers) assert.deepEqual(verdict, Buffer.alloc(33), 'nothing is told but no');
    assert.deepEqual(lengths, Array(8).fill(32), 'one comparison of fixed length each');
  } finally {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
});

testClean('handshake: an end that speaks another version, or another language, is refused (H11)', {}, () => {
  const secrets = { key: new AuthKey(authKey).derive('handshake'), binding: new Uint8Array(32) };
  const hello: Buffer[] = [];
  const client = new ClientHandshake(secrets, (bytes) => hello.push(bytes));
  const challenge: Buffer[] = [];
  const server = (): ServerHandshake =>
    new ServerHandshake(secrets, { flags: 0, maxFrameBytes: 1_000 }, (bytes) => challenge.push(bytes));
  server().push(Buffer.from(hello[0]!));
  for (const [end, message] of [
    [server(), hello[0]!],
    [client, challenge[0]!],
  ] as const) {
    const at = message.findIndex((byte) => byte === 1);
    const newer = Buffer.from(message);
    newer[at] = 2;
    assert.throws(() => end.push(newer), { name: 'ProtocolError', message: /another version of manycore/ });
  }
  const other = Buffer.from(hello[0]!).fill('GET / HTTP/1.1', 0, 14);
  assert.throws(() => server().push(other), { name: 'ProtocolError', message: /is not manycore's/ });
});

testClean('handshake: certificates that are not given are not taken from elsewhere (I8)', {}, async () => {
  const given = { ca: 'ca', cert: 'cert', key: 'key' };
  for (const tls of [
    null,
    {},
    'none',
    1,
    { ...given, ca: '' },
    { ...given, key: 1 },
    { ...given, fingerprint: [] },
    { ...given, fingerprints: 'x' },
  ]) {
    assert.throws(() => new Manager({ authKey: 'x', tls: tls as never }), { name: 'ArgumentTypeError' });
    const connecting = Manager.connect({ port: 1 }, { authKey: 'x', tls: tls as never });
    assert.equal((await rejection(connecting)).name, 'ArgumentTypeError');
  }
});
