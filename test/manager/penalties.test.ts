import { strict as assert } from 'node:assert';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AuthKey } from '#internal/manager/auth-key.js';
import { ClientHandshake } from '#internal/manager/handshake.js';
import { Penalties } from '#internal/manager/penalties.js';
import { Reception } from '#internal/manager/reception.js';
import { authFailures, handshakeMs } from '#internal/limits.js';
import { Door, type Guest } from '#internal/connection/door.js';
import { ListeningPlace } from '#internal/connection/listening-place.js';
import { secretOf, responseTo } from '#internal/connection/digests.js';
import { RawClient } from '../connection/support.ts';
import { eventually, testClean } from '../matrix.ts';
import { authKey } from './support.ts';

const far = '192.0.2.7';
const { free, addresses, forgetMs } = authFailures;

function fail(penalties: Penalties, address: string | undefined, times: number): void {
  for (let i = 0; i < times; i++) penalties.failed(address);
}

testClean('penalties: the wait doubles with each wrong key, and is forgotten (I3)', {}, () => {
  let now = 1_000;
  const penalties = new Penalties(() => now);
  fail(penalties, far, free);
  assert.equal(penalties.waitMs(far), 0, 'a few are an oversight');
  const waits = Array.from({ length: 9 }, () => {
    penalties.failed(far);
    return penalties.waitMs(far);
  });
  assert.deepEqual(waits, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  now += 9_000;
  assert.equal(penalties.waitMs(far), 1_000);
  now += 1_000;
  assert.equal(penalties.waitMs(far), 0);
  penalties.failed(far);
  assert.equal(penalties.waitMs(far), 10_000, 'it goes on where it was');
  now += forgetMs + 1;
  penalties.failed(far);
  assert.equal(penalties.waitMs(far), 0);
  fail(penalties, far, 10_000);
  assert.equal(penalties.waitMs(far), 10_000);
});

testClean('penalties: one address is not another, but for those that one owner has (I3)', {}, () => {
  const penalties = new Penalties(() => 0);
  fail(penalties, far, 20);
  for (const other of ['192.0.2.8', '127.0.0.1', '2001:db8::1', undefined]) assert.equal(penalties.waitMs(other), 0);
  assert.equal(penalties.waitMs(`::ffff:${far}`), 10_000, 'the same, by another protocol');
  fail(penalties, '2001:db8::1', 20);
  for (const same of ['2001:db8::2', '2001:db8:0:0:ffff::', '2001:db8::1%eth0', '2001:db8:0:0:1:2:3:4'])
    assert.equal(penalties.waitMs(same), 10_000, same);
  for (const other of ['2001:db8:0:1::1', '2001:db9::1', '::1', 'fe80::1'])
    assert.equal(penalties.waitMs(other), 0, other);
});

testClean('penalties: programs of this machine wait for a moment at most, on a Unix socket never (I3)', {}, () => {
  const penalties = new Penalties(() => 0);
  for (const local of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
    fail(penalties, local, 100);
    assert.equal(penalties.waitMs(local), authFailures.localDelayMsMax);
  }
  assert.ok(authFailures.localDelayMsMax < handshakeMs, 'nobody is turned away');
  fail(penalties, undefined, 100);
  assert.equal(penalties.waitMs(undefined), 0);
});

testClean('penalties: who fails from everywhere fills nothing, and takes little time (I3)', {}, () => {
  let now = 0;
  const penalties = new Penalties(() => now);
  const start = performance.now();
  for (let i = 0; i < 20 * addresses; i++) {
    now += 0.001;
    penalties.failed(`10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`);
  }
  assert.ok(penalties.size <= addresses);
  assert.ok(performance.now() - start < 10_000);
});

/** What is tried against a server, from an address of this machine. */
interface Attempt {
  readonly socket: Socket;
  readonly closed: Promise<void>;
}

interface Served {
  readonly port: number;
  /** From where clients have come in. */
  readonly welcomed: string[];
  waiting(): number;
  attempt(from: string, key: Uint8Array): Attempt;
  close(): void;
}

const key = new AuthKey(authKey);

async function reception(tls: 'psk' | false, penalties: Penalties): Promise<Served> {
  const welcomed: string[] = [];
  const sockets: Socket[] = [];
  const door = new Reception({
    target: { address: { host: '127.0.0.1', port: 0 }, tls },
    key,
    allowsCode: false,
    maxFrameBytes: 1_000,
    maxConnections: 1_000,
    hasRoom: () => true,
    welcome: (socket) => {
      sockets.push(socket);
      welcomed.push(socket.remoteAddress!);
    },
    penalties,
  });
  await door.ready;
  const { port } = door.server.address() as AddressInfo;
  return {
    port,
    welcomed,
    waiting: () => door.counts.waiting,
    attempt: (from, raw) => {
      const where = { host: '127.0.0.1', port, localAddress: from };
      const mine = new AuthKey(raw);
      const psk = mine.derive('tls-psk').export();
      const socket: Socket =
        tls === false
          ? connect(where)
          : connectTls({
              ...where,
              minVersion: 'TLSv1.3',
              ciphers: 'TLS_AES_128_GCM_SHA256',
              pskCallback: () => ({ psk, identity: 'manycore' }),
              checkServerIdentity: () => undefined,
            });
      sockets.push(socket);
      socket.on('error', () => {});
      socket.once(tls === false ? 'connect' : 'secureConnect', () => {
        const binding =
          'exportKeyingMaterial' in socket
            ? (socket as ReturnType<typeof connectTls>).exportKeyingMaterial(
                32,
                'EXPORTER-manycore-manager',
                Buffer.alloc(0),
              )
            : new Uint8Array();
        const handshake = new ClientHandshake({ key: mine.derive('handshake'), binding }, (bytes) => {
          socket.write(bytes);
        });
        socket.on('data', (chunk: Buffer) => {
          try {
            handshake.push(chunk);
          } catch {
            socket.destroy();
          }
        });
      });
      return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve())) };
    },
    close: () => {
      door.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function listener(penalties: Penalties): Promise<Served> {
  const welcomed: string[] = [];
  const sockets: Socket[] = [];
  const done = ({ address, messages }: Guest): void => {
    if (messages !== undefined && typeof address !== 'string') welcomed.push(address.host!);
  };
  const door = new Door({ secret: secretOf(authKey, false), hasRoom: () => true, done, penalties });
  const place = new ListeningPlace({ host: '127.0.0.1', port: 0 }, (socket, from) => {
    sockets.push(socket);
    door.came(socket, from);
  });
  await place.ready;
  const { port } = place.address as AddressInfo;
  return {
    port,
    welcomed,
    waiting: () => door.size,
    attempt: (from, raw) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: from });
      sockets.push(socket);
      const client = new RawClient(socket);
      void (async () => {
        const secret = secretOf(raw, false);
        for (let i = 0; i < 2; i++) {
          const message = await client.message();
          if (message?.toString('latin1', 0, 11) !== '#CHALLENGE#') continue;
          client.send(responseTo(message.subarray(11), secret));
          if ((await client.message())?.toString() !== '#WELCOME#') return;
          // The other way round: what the listener shows is not looked at.
          client.send(Buffer.concat([Buffer.from('#CHALLENGE#{sha256}'), Buffer.alloc(40, 1)]));
          await client.message();
          client.send('#WELCOME#');
          return;
        }
      })();
      return { socket, closed: client.closed };
    },
    close: () => {
      place.close();
      door.close(new Error('closed'));
      for (const socket of sockets) socket.destroy();
    },
  };
}

const kinds: readonly [string, (penalties: Penalties) => Promise<Served>][] = [
  ['a manager with TLS', (penalties) => reception('psk', penalties)],
  ['a manager without TLS', (penalties) => reception(false, penalties)],
  ['a listener', listener],
];

const bad = '127.0.0.2';
const wrong = Buffer.alloc(32, 9);

for (const [kind, serve] of kinds)
  testClean(
    `penalties: ${kind} has them wait from where wrong keys came, and nobody else (I3)`,
    { skip: process.platform === 'linux' ? false : 'there is one loopback address', warnings: /MockTimers/ },
    async (t) => {
      let now = 0;
      const penalties = new Penalties(() => now);
      const served = await serve(penalties);
      try {
        for (let i = 0; i <= free; i++) await served.attempt(bad, wrong).closed;
        await eventually(() => penalties.waitMs(bad) === 100);
        await eventually(() => served.waiting() === 0);
        t.mock.timers.enable({ apis: ['setTimeout'] });
        const late = served.attempt(bad, authKey);
        const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
        while (served.waiting() < 1) await turn();
        served.attempt('127.0.0.1', authKey);
        while (served.welcomed.length === 0) await turn();
        assert.deepEqual(served.welcomed, ['127.0.0.1'], 'others are not held up');
        assert.equal(served.waiting(), 1);
        t.mock.timers.tick(99);
        await turn();
        assert.equal(served.waiting(), 1, 'it waits still');
        now += 100;
        t.mock.timers.tick(1);
        while (served.welcomed.length < 2) await turn();
        assert.deepEqual(served.welcomed, ['127.0.0.1', bad], 'the right key is let in after the wait');
        late.socket.destroy();
        t.mock.timers.reset();
        // Far away the wait grows beyond what anybody is given for the handshake.
        t.mock.method(penalties, 'waitMs', () => handshakeMs);
        await served.attempt(bad, authKey).closed;
        assert.equal(served.welcomed.length, 2, 'it was turned away at once');
      } finally {
        t.mock.timers.reset();
        served.close();
      }
    },
  );

for (const [kind, serve] of kinds)
  testClean(`penalties: who only looks whether ${kind} is there has shown no wrong key (I3)`, {}, async () => {
    const penalties = new Penalties(() => 0);
    const served = await serve(penalties);
    try {
      for (let i = 0; i < 3 * free; i++) {
        const socket = connect(served.port, '127.0.0.1');
        await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
        if (i % 2 === 0) socket.destroy();
        else socket.resetAndDestroy();
      }
      await eventually(() => served.waiting() === 0);
      assert.equal(penalties.size, 0);
    } finally {
      served.close();
    }
  });
