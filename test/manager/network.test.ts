import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { Manager, Process } from 'manycore';
import type { Address, ManagerOptions, QueueProxy, Server, TcpAddress, TlsOptions } from 'manycore/managers';
import { eventually, rejection, testClean } from '../matrix.ts';
import { authKey, testServer } from './support.ts';

const port = { port: 0 } as const;

class QueueManager extends Manager {}
for (const name of ['jobs', 'answers']) QueueManager.register(name, { type: 'Queue', shared: true });

for (const [kind, options] of [
  ['TLS by the key', {}],
  ['plain TCP on one machine', { tls: false }],
] as const) {
  testServer(
    `manager: queues for another process, both ways and in order, over ${kind} (G190)`,
    { ...options, address: port, manager: QueueManager },
    async (client, server) => {
      const jobs = client.create<QueueProxy<number>>('jobs');
      const answers = client.create<QueueProxy<readonly [job: number, place: number]>>('answers');
      const child = new Process({
        target: async (address: Address, key: Uint8Array, more: object) => {
          for (const name of ['jobs', 'answers']) QueueManager.register(name, { type: 'Queue' });
          await using manager = await QueueManager.connect(address, { authKey: key, ...more });
          const from = manager.create<QueueProxy<number>>('jobs');
          const to = manager.create<QueueProxy<readonly [number, number]>>('answers');
          for (let place = 0; place < 100; place++) await to.put([await from.get(), place]);
        },
        args: [server.address, authKey, options],
      });
      child.start();
      // What is there before it comes, and what it waits for.
      for (let job = 0; job < 50; job++) await jobs.put(job);
      const seen: (readonly [number, number])[] = [];
      for (let n = 0; n < 50; n++) seen.push(await answers.get());
      for (let job = 50; job < 100; job++) await jobs.put(job);
      for (let n = 0; n < 50; n++) seen.push(await answers.get());
      assert.deepEqual(
        seen,
        Array.from({ length: 100 }, (_, i) => [i, i]),
      );
      await child.join();
      assert.equal(child.exitCode, 0);
      assert.deepEqual([await jobs.empty(), await answers.empty()], [true, true]);
    },
  );
}

testClean('manager: a started server on a TCP port', {}, async () => {
  await using manager = new Manager({ address: port, authKey });
  assert.throws(() => manager.list(), { name: 'ManagerStateError' });
  await manager.start();
  assert.notEqual((manager.address as TcpAddress).port, 0);
  await using other = await Manager.connect(manager.address!, { authKey });
  const list = other.list([1]);
  await manager.list([list]).append(list);
  assert.deepEqual(await list.value(), [1]);
});

testServer(
  'manager: a wrong key is refused on both sides, and others are served on (G191, I3)',
  { address: port },
  async (client, server) => {
    const list = client.list([1]);
    for (const wrong of ['wrong', Buffer.alloc(31, 7), Buffer.alloc(1_000_000, 1)]) {
      const error = await rejection(Manager.connect(server.address, { authKey: wrong }));
      assert.equal(error.name, 'AuthenticationError');
      assert.doesNotMatch(JSON.stringify([error.message, String(error.stack)]), /0707|BwcH/, 'no bytes of the key');
    }
    await assert.rejects(Manager.connect(server.address, { authKey: '' }), { name: 'ArgumentRangeError' });
    assert.deepEqual(await list.value(), [1]);
    assert.ok(server.statistics().refused >= 2);
  },
);

testServer(
  'manager: the same without TLS, in the words of both sides (G191)',
  { address: port, tls: false },
  async (_, server) => {
    const error = await rejection(Manager.connect(server.address, { authKey: 'wrong', tls: false }));
    assert.equal(error.name, 'AuthenticationError');
    assert.match(error.message, /digest sent was rejected/);
    await eventually(() => server.statistics().refused === 1);
    // A server that has not the key cannot pretend.
    const impostor = createServer((socket) => {
      socket.on('error', () => {});
      let at = 0;
      socket.on('data', () =>
        socket.write(
          at++ === 0 ? Buffer.concat([Buffer.from('MCM1\u0001\u0001'), Buffer.alloc(36)]) : Buffer.alloc(33, 1),
        ),
      );
    });
    await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
    const fooled = await rejection(
      Manager.connect({ port: (impostor.address() as AddressInfo).port }, { authKey, tls: false }),
    );
    assert.equal(fooled.name, 'AuthenticationError');
    assert.match(fooled.message, /digest received was wrong/);
    impostor.close();
  },
);

for (const tls of ['psk', false] as const)
  testServer(
    `manager: attempts with wrong keys are made to wait, ${tls === 'psk' ? 'with' : 'without'} TLS (I3)`,
    { address: port, tls },
    async (client, server) => {
      const list = client.list([1]);
      let start = 0;
      for (let i = 0; i < 8; i++) {
        if (i === 5) start = performance.now();
        const error = await rejection(Manager.connect(server.address, { authKey: Buffer.alloc(32, 9 + i), tls }));
        assert.equal(error.name, 'AuthenticationError');
        assert.equal(await list.length(), 1);
      }
      // Behind the sixth failure 100 ms, behind the seventh 200 ms.
      assert.ok(performance.now() - start > 290);
    },
  );

testClean('manager: nothing goes readable beyond this machine unless that is said (I25)', {}, async () => {
  assert.throws(() => new Manager({ address: { host: '0.0.0.0', port: 0 }, tls: false }), {
    name: 'ArgumentRangeError',
  });
  assert.throws(() => new Manager({ address: { host: 'example.org', port: 1 }, tls: false }), /insecure: true/);
  await assert.rejects(Manager.connect({ host: '10.0.0.1', port: 1 }, { authKey, tls: false }), /insecure: true/);
  await using server = new Manager({
    address: { host: '0.0.0.0', port: 0 },
    tls: false,
    insecure: true,
    authKey,
  }).getServer();
  await server.start();
  await using local = new Manager({ address: port, authKey }).getServer();
  await local.start();
  assert.equal((local.address as TcpAddress).host, '127.0.0.1');
});

/** Passes bytes on, and lets a test change them. */
async function relayTo(
  target: TcpAddress,
  change: (bytes: Buffer, toServer: boolean) => Buffer,
): Promise<{ readonly address: TcpAddress; close(): void }> {
  const sockets = new Set<Socket>();
  const relay = createServer((near) => {
    const far = connect({ ...target });
    for (const [from, to, toServer] of [
      [near, far, true],
      [far, near, false],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => to.destroy());
      from.on('data', (chunk: Buffer) => void to.write(change(chunk, toServer)));
    }
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  return {
    address: { port: (relay.address() as AddressInfo).port },
    close() {
      relay.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

testServer('manager: what is changed on the way ends the connection (I9)', { address: port }, async (_, server) => {
  let tamper = false;
  const relay = await relayTo(server.address as TcpAddress, (bytes, toServer) => {
    if (!tamper || !toServer) return bytes;
    const changed = Buffer.from(bytes);
    changed[changed.length - 1]! ^= 1;
    return changed;
  });
  const client = await Manager.connect(relay.address, { authKey });
  const list = client.list([1]);
  assert.equal(await list.length(), 1);
  tamper = true;
  assert.equal((await rejection(list.append(2))).name, 'ConnectionLostError');
  await client.shutdown();
  relay.close();
});

testServer('manager: what was recorded is worth nothing (I4)', { address: port, tls: false }, async (_, server) => {
  const recorded: Buffer[] = [];
  const relay = await relayTo(server.address as TcpAddress, (bytes, toServer) => {
    if (toServer) recorded.push(Buffer.from(bytes));
    return bytes;
  });
  const client = await Manager.connect(relay.address, { authKey, tls: false });
  await client.list([1]).append(2);
  await client.shutdown();
  relay.close();
  const before = server.statistics().clients;
  const thief = connect({ ...(server.address as TcpAddress) });
  thief.on('error', () => {});
  const closed = new Promise<void>((resolve) => thief.once('close', () => resolve()));
  thief.resume();
  for (const bytes of recorded) thief.write(bytes);
  await closed;
  assert.ok(server.statistics().clients <= before);
});

testServer(
  'manager: no other protocol is understood on a TLS port (I7, I8)',
  { address: port },
  async (client, server) => {
    const address = server.address as TcpAddress;
    assert.equal((await rejection(Manager.connect(address, { authKey, tls: false }))).name, 'ConnectionLostError');
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = connectTls({
        ...address,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        maxVersion,
        servername: 'junk',
      });
      const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
      assert.match(String((error as NodeJS.ErrnoException).code), /SSL|ECONNRESET/);
    }
    const unknown = connectTls({
      ...address,
      host: '127.0.0.1',
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256',
      pskCallback: () => ({ psk: createHash('sha256').digest(), identity: 'somebody' }),
      checkServerIdentity: () => undefined,
    });
    await new Promise((resolve) => unknown.once('error', resolve));
    assert.equal(await client.list([1]).length(), 1);
  },
);

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

testClean(
  'manager: certificates on both sides',
  { skip: hasOpenssl ? false : 'openssl is not installed' },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), `manycore-test-`));
    const openssl = (...args: string[]): void => {
      const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    };
    try {
      const subject = (name: string): string[] => ['-subj', `/CN=${name}`];
      for (const ca of ['ca', 'other'])
        openssl(
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:P-256',
          '-nodes',
          '-days',
          '1',
          '-keyout',
          `${ca}.key`,
          '-out',
          `${ca}.crt`,
          ...subject(ca),
        );
      const issue = (name: string, ca: string): TlsOptions => {
        openssl(
          'req',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:P-256',
          '-nodes',
          '-keyout',
          `${name}.key`,
          '-out',
          `${name}.csr`,
          ...subject('localhost'),
        );
        openssl(
          'x509',
          '-req',
          '-in',
          `${name}.csr`,
          '-CA',
          `${ca}.crt`,
          '-CAkey',
          `${ca}.key`,
          '-CAcreateserial',
          '-days',
          '1',
          '-out',
          `${name}.crt`,
        );
        const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
        return { ca: read('ca.crt'), cert: read(`${name}.crt`), key: read(`${name}.key`) };
      };
      const tls = issue('server', 'ca');
      const good = issue('good', 'ca');
      const bad = issue('bad', 'other');
      const fingerprints = [new X509Certificate(good.cert as string).fingerprint256];
      await using server = new Manager({ address: port, authKey, tls: { ...tls, fingerprints } }).getServer();
      await server.start();
      await using client = await Manager.connect(server.address, { authKey, tls: good });
      assert.deepEqual(await client.list([1]).value(), [1]);
      // Signed by another authority; not on the list; none at all; the certificate without the key.
      for (const options of [
        { tls: bad },
        { tls: issue('unlisted', 'ca') },
        {},
        { tls: good, authKey: 'wrong' },
      ] as ManagerOptions[]) {
        const error = await rejection(useOf(server, { authKey, ...options }));
        assert.match(error.name, /^(?:AuthenticationError|ConnectionLostError)$/);
      }
      assert.equal(await client.list([1]).length(), 1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

/** A client whose certificate is refused may learn it only with its first call. */
async function useOf(server: Server, options: ManagerOptions): Promise<void> {
  const manager = await Manager.connect(server.address, options as Required<Pick<ManagerOptions, 'authKey'>>);
  await manager.list([1]).length();
}

testClean('manager: a server that was killed can be started again at its address (I20)', {}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'manycore-test-'));
  const address = join(folder, 'socket');
  const serve = (path: string, key: Uint8Array): Promise<void> =>
    new Manager({ address: path, authKey: key }).getServer().serveForever();
  try {
    for (let round = 0; round < 2; round++) {
      const child = new Process({ target: serve, args: [address, authKey] });
      child.start();
      let client: Manager | undefined;
      await eventually(async () => {
        client = await Manager.connect(address, { authKey }).catch(() => undefined);
        return client !== undefined;
      });
      const list = client!.list([round]);
      assert.deepEqual(await list.value(), [round]);
      child.kill();
      await child.join();
      assert.equal((await rejection(list.length())).name, 'ConnectionLostError');
      await client!.shutdown();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
