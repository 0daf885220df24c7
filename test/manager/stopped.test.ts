import { strict as assert } from 'node:assert';
import { Manager, Process } from 'manycore';
import type { Address, EventProxy, LockProxy, QueueProxy } from 'manycore/managers';
import { silenceMs } from '#internal/limits.js';
import { testClean } from '../matrix.ts';
import { authKey } from './support.ts';

class Shared extends Manager {}

function register(): void {
  Shared.register('lock', { type: 'Lock', shared: true });
  Shared.register('tokens', { type: 'Queue', shared: true });
  Shared.register('never', { type: 'Event', shared: true });
}

/** Takes the lock and waits; when the connection turns out to be lost, tries what it can with its old grant. */
async function hold(address: Address, key: Uint8Array): Promise<void> {
  const nameOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'nothing',
      (error: unknown) => (error as Error).name,
    );
  register();
  const connect = (): Promise<Manager> => Shared.connect(address, { authKey: key, tls: false });
  const manager = await connect();
  const grant = await manager.create<LockProxy>('lock').acquire();
  await manager.create<QueueProxy>('tokens').put(grant.token);
  const outcomes = [await nameOf(manager.create<EventProxy>('never').wait()), await nameOf(grant.release())];
  await using again = await connect();
  const lock = again.create<LockProxy>('lock');
  outcomes.push(await nameOf(lock.callMethod('release', [grant.token])));
  outcomes.push(String(await lock.callMethod('valid', [grant.token])));
  await again.create<QueueProxy>('tokens').put(outcomes);
  await manager.shutdown();
}

testClean(
  'manager: a holder that was stopped has lost its lock when it goes on (I18)',
  { limit: silenceMs * 4, skip: process.platform === 'win32' && 'processes cannot be stopped' },
  async () => {
    register();
    await using server = new Shared({ address: { port: 0 }, tls: false, authKey }).getServer();
    await server.start();
    await using client = await Shared.connect(server.address, { authKey, tls: false });
    const child = new Process({ target: hold, args: [server.address, authKey], context: 'process' });
    child.start();
    const tokens = client.create<QueueProxy<number | string[]>>('tokens');
    const lock = client.create<LockProxy>('lock');
    const old = (await tokens.get()) as number;
    assert.equal(await lock.acquire({ timeout: 0 }), undefined);
    process.kill(child.pid!, 'SIGSTOP');
    const grant = await lock.acquire();
    assert.equal(grant.ownerDied, true);
    assert.ok(grant.token > old, 'who guards something by the tokens refuses the old one');
    process.kill(child.pid!, 'SIGCONT');
    assert.deepEqual(await tokens.get(), ['ConnectionLostError', 'ConnectionLostError', 'LockStateError', 'false']);
    assert.equal(await lock.callMethod('valid', [grant.token]), true, 'the new holder has it still');
    await grant.release();
    await child.join();
    assert.equal(child.exitCode, 0);
  },
);
