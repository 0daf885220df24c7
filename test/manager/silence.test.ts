import { strict as assert } from 'node:assert';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Manager } from 'manycore';
import type { TcpAddress } from 'manycore/managers';
import { eventually, rejection, testClean } from '../matrix.ts';
import { authKey } from './support.ts';

/** A way on which everything can get lost, in both directions, without anybody being told. */
async function lossyWay(target: TcpAddress): Promise<{ address: TcpAddress; isCut: boolean; close(): void }> {
  const sockets = new Set<Socket>();
  const relay = createServer((near) => {
    const far = connect({ ...target });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('data', (chunk: Buffer) => void (way.isCut || to.write(chunk)));
      from.on('close', () => void (way.isCut || to.destroy()));
    }
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const way = {
    address: { port: (relay.address() as AddressInfo).port },
    isCut: false,
    close(): void {
      relay.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return way;
}

// The only case that takes as long as it says: nothing of it can be hurried.
testClean(
  'silence: a way that loses everything is noticed by both ends, after 15 s (I19)',
  { limit: 60_000 },
  async () => {
    await using server = new Manager({ address: { port: 0 }, authKey }).getServer();
    await server.start();
    const way = await lossyWay(server.address as TcpAddress);
    const far = await Manager.connect(way.address, { authKey });

    await far.Lock().acquire();
    const event = far.Event();
    assert.equal(await event.isSet(), false);
    way.isCut = true;
    const start = performance.now();
    const error = await rejection(event.wait());
    assert.equal(error.name, 'ConnectionLostError');
    assert.equal((error as unknown as { maybeExecuted: boolean }).maybeExecuted, true);
    // Looked at once a second; what was last heard may be a little older.
    const ms = performance.now() - start;
    assert.ok(ms > 14_000 && ms < 18_000, `${ms} ms`);
    assert.equal((await rejection(event.isSet())).name, 'ConnectionLostError', 'at once from now on');
    // The server has not heard of a holder of a lock either.
    await eventually(() => server.statistics().clients === 0, 3_000);
    assert.equal(server.statistics().objects, 0, 'what it had is free');
    await far.shutdown();
    way.close();
  },
);
