import { strict as assert } from 'node:assert';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { Manager } from 'manycore';
import { AuthKey } from '#internal/manager/auth-key.js';
import { rejection, testClean } from '../matrix.ts';
import { testServer } from './support.ts';

testClean('keys: a short one is stretched once, however many proxies come with it', {}, () => {
  const { scryptSync } = crypto;
  let times = 0;
  crypto.scryptSync = ((...args: Parameters<typeof scryptSync>) => {
    times++;
    return scryptSync(...args);
  }) as typeof scryptSync;
  syncBuiltinESMExports();
  try {
    const prints = Array.from({ length: 20 }, () => new AuthKey('a short key of this test').fingerprint);
    assert.equal(new Set(prints).size, 1);
    assert.notEqual(new AuthKey('another one').fingerprint, prints[0]);
    assert.equal(times, 2);
  } finally {
    crypto.scryptSync = scryptSync;
    syncBuiltinESMExports();
  }
});

class Secret {
  readonly password = 'hunter2';
  check(word: string): boolean {
    return word === this.password;
  }
}
class Named extends Secret {
  override toString(): string {
    return 'a secret';
  }
}
class Secrets extends Manager {}
Secrets.register('Secret', { create: Secret });
Secrets.register('Named', { create: Named });
Secrets.register('plain', { create: () => ({ password: 'hunter2' }) });

testServer(
  'keys: what is in an object of a class is not told by its text',
  { address: { port: 0 }, tls: false, manager: Secrets },
  async (client) => {
    assert.equal(await client.create('Secret').str(), '<Secret>');
    assert.equal(await client.create('Named').str(), 'a secret');
    assert.equal(await client.create('plain').str(), '<Object>');
  },
);

testServer(
  'keys: that of one server does not travel to another, nor from code in a server to its clients',
  { address: { port: 0 }, tls: false, allowCode: true },
  async (client, server) => {
    const otherKey = Buffer.alloc(32, 9);
    await using other = new Manager({ address: { port: 0 }, tls: false, authKey: otherKey }).getServer();
    await other.start();
    await using there = await Manager.connect(other.address, { authKey: otherKey, tls: false });
    const dict = client.dict();
    const error = await rejection(dict.set('m', there));
    assert.deepEqual([error.name, /holds the key/.test(error.message)], ['SerializationError', true]);
    assert.equal((await rejection(dict.update('m', () => there))).name, 'CaptureError');
    // It is for those who have it.
    await dict.set('own', client);
    const own = (await dict.get('own')) as Manager;
    assert.equal(await own.list([1]).length(), 1);
    await own.shutdown();
    const { host, port } = other.address as { host: string; port: number };
    const given = dict.update('m', async () => {
      const { Manager: Class } = await import('manycore');
      return Class.connect({ host, port }, { authKey: new Uint8Array(32).fill(9), tls: false });
    });
    assert.equal((await rejection(given)).name, 'SerializationError');
    assert.equal(server.statistics().clients, 1);
  },
);
