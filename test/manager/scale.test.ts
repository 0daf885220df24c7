import { strict as assert } from 'node:assert';
import { setImmediate as turn } from 'node:timers/promises';
import { Manager, Pool } from 'manycore';
import { collectGarbage, eventually, partOf, testClean } from '../matrix.ts';
import { authKey, testManager, testServer } from './support.ts';
import { dialAuthenticated, frame, type RawClient } from './raw-client.ts';

const clients = 1_000;
const proxies = partOf(1_000_000, 100_000);

testServer(
  'scale: 1,000 clients, each of them calling, are served',
  { address: { port: 0 }, tls: false, maxConnections: clients + 10 },
  async (client, server) => {
    const list = client.list([1]);
    const all: RawClient[] = [];
    for (let i = 0; i < clients; i += 50)
      all.push(...(await Promise.all(Array.from({ length: 50 }, () => dialAuthenticated(server.address, authKey)))));
    assert.ok(server.statistics().clients >= clients);
    const id = (n: number): Buffer => {
      const bytes = Buffer.alloc(16, 1);
      bytes.writeUInt32LE(n);
      return bytes;
    };
    // create a list, ask for its length
    all.forEach(({ socket }, i) => {
      socket.write(frame(1, 1, 8, ...Buffer.from('list'), ...id(i), 0));
      socket.write(frame(3, 1, 1, 12, ...Buffer.from('length'), 0));
    });
    await eventually(() => all.every(({ received }) => received().includes(frame(1, 1, 4, 0))), 15_000);
    assert.equal(await list.length(), 1);
    assert.equal(server.statistics().objects, clients + 1);
    for (const { socket } of all) socket.destroy();
    await eventually(() => server.statistics().objects === 1);
  },
);

testManager(
  `scale: ${proxies} of 1,000,000 proxies made and dropped leave nothing in the server (I22)`,
  async (manager) => {
    const keep = manager.Value('i', 0);
    await keep.get();
    const made = async (): Promise<void> => {
      for (let i = 0; i < 10_000; i++) void manager.Value('i', i);
      await keep.get();
    };
    for (let done = 0; done < proxies; done += 10_000) {
      await made();
      collectGarbage();
      await turn();
    }
    await eventually(async () => {
      collectGarbage();
      return (await manager.numberOfObjects()) === 1;
    }, 15_000);
  },
  { limit: 300_000 },
);

testClean('scale: 10,000 sets that are issued together are answered', {}, async () => {
  await using manager = new Manager();
  const dict = manager.dict<number, number>();
  await Promise.all(Array.from({ length: 10_000 }, (_, i) => dict.set(i, i)));
  assert.equal(await dict.size(), 10_000);
});

testManager('scale: 10,000 updates by each of two processes are exact (G173)', async (manager) => {
  await using pool = new Pool(2);
  const dict = manager.dict<string, number>();
  await pool.map(async () => {
    for (let i = 0; i < 100; i++)
      await Promise.all(Array.from({ length: 100 }, () => dict.update('n', (n = 0) => n + 1)));
  }, [1, 2]);
  assert.equal(await dict.get('n'), 20_000);
});
