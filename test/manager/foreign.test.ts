import { strict as assert } from 'node:assert';
import { createServer, type AddressInfo } from 'node:net';
import { readForeign } from '#internal/manager/foreign.js';
import { attachReference, proxyMaker } from '#internal/manager/proxy-maker.js';
import { DataTag } from '#internal/wire/data-tags.js';
import { DataEncoder } from '#internal/wire/data-encoder.js';
import { Writer } from '#internal/wire/writer.js';
import { eventually, testClean } from '../matrix.ts';
import { dialAuthenticated, frame } from './raw-client.ts';
import { authKey, testServer } from './support.ts';

const plain = { address: { port: 0 }, tls: false } as const;
const id = 'ab'.repeat(16);

testClean(
  'foreign: a message cannot say how a server is talked to: one that is not known is not dialled (I10)',
  {},
  async () => {
    let dialled = 0;
    const evil = createServer((socket) => {
      dialled++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    const { port } = evil.address() as AddressInfo;
    const state = { address: { host: '127.0.0.1', port }, tls: false, kind: 'list', id, mayCome: false };
    const lure = { ...state, key: Buffer.alloc(32, 1), allowsCode: true, python: { legacy: true } };
    assert.throws(() => proxyMaker.attach(lure), { name: 'AuthenticationError' });
    assert.throws(() => proxyMaker.attach(readForeign(lure)), { name: 'AuthenticationError' });
    await new Promise<void>((resolve) => evil.close(() => resolve()));
    assert.equal(dialled, 0);
  },
);

testServer(
  'foreign: of a server that is known only the object is taken from the message (I10)',
  plain,
  async (client, server) => {
    const list = client.list([1]);
    assert.equal(await list.length(), 1);
    const own = proxyMaker.referenceOf(list)!;
    const lure = {
      ...proxyMaker.stateOf(own),
      tls: 'psk',
      key: Buffer.alloc(32, 1),
      allowsCode: true,
      python: { legacy: false },
    };
    const { connection } = proxyMaker.referenceOf(proxyMaker.attach(lure))!;
    assert.equal(connection, own.connection);
    assert.equal(connection.allowsCode, false);
    assert.deepEqual(Object.keys(proxyMaker.stateOf(own)).toSorted(), ['address', 'id', 'kind', 'mayCome']);
    // What this program tells its own has the key.
    const told = {
      address: server.address,
      tls: false as const,
      kind: 'list',
      id,
      mayCome: false,
      key: authKey,
      allowsCode: false,
    };
    assert.equal(attachReference(told).connection, connection);
  },
);

testServer(
  'foreign: who sends one that is none is cut off, not who would have read it (I10, I16)',
  plain,
  async (client, server) => {
    const dict = client.dict();
    await dict.set('x', 1);
    for (const state of [
      1,
      { address: 'x', kind: 'list', id: 'short', mayCome: false },
      { address: {}, kind: 'list', id, mayCome: false },
      { address: 'x', kind: 1, id, mayCome: false },
      { address: 'x'.repeat(2_000), kind: 'list', id, mayCome: false },
      { address: 'x', kind: 'list', id: 'zz', mayCome: false, typeid: 'dict' },
    ]) {
      const { socket, closed } = await dialAuthenticated(server.address, authKey);
      const writer = new Writer();
      new DataEncoder().message(writer, state);
      socket.write(
        frame(1, 1, 8, ...Buffer.from('list'), ...Buffer.alloc(16), 1, DataTag.special, 2, ...writer.written()),
      );
      await closed;
    }
    assert.equal(await dict.get('x'), 1);
    await eventually(() => server.statistics().clients === 1);
  },
);
