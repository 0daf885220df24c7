import { strict as assert } from 'node:assert';
import type { ListProxy } from 'manycore/managers';
import { managerBatchBytes, maxArguments, maxDataNodes, minManagerFrameBytes } from '#internal/limits.js';
import { AuthKey } from '#internal/manager/auth-key.js';
import { FrameWriter } from '#internal/manager/frame-writer.js';
import { Foreign } from '#internal/manager/managed.js';
import { settle } from '#internal/manager/settle.js';
import { connectionTo, proxyMaker } from '#internal/manager/proxy-maker.js';
import { rejection, testClean } from '../matrix.ts';
import { authKey, testServer } from './support.ts';

const plain = { address: { port: 0 }, tls: false } as const;

function write(frames: FrameWriter, bytes: number, values = 0): void {
  const mark = frames.open();
  frames.writer.raw(Buffer.alloc(bytes, bytes % 251));
  frames.close(mark, values);
}

/** The sizes of the frames that are taken. */
function sizes(frames: FrameWriter): number[] {
  const bytes = frames.take() ?? Buffer.alloc(0);
  const found: number[] = [];
  for (let at = 0; at < bytes.length; at += 4 + found.at(-1)!) found.push(bytes.readUInt32LE(at));
  return found;
}

testClean('frames: records go together as far as the limits of a frame let them (2.5)', {}, () => {
  const frames = new FrameWriter(5_000);
  for (const bytes of [1_000, 2_000, 3_000, 4_999, 1, 1]) write(frames, bytes);
  assert.throws(() => write(frames, 5_001), { name: 'FrameTooLargeError' });
  write(frames, 10);
  assert.deepEqual(sizes(frames), [3_000, 3_000, 5_000, 11]);
  for (const values of [maxDataNodes, 1, maxDataNodes - 1, 1]) write(frames, 10, values);
  assert.throws(() => write(frames, 10, maxDataNodes + 1), { name: 'FrameTooLargeError' });
  assert.deepEqual(sizes(frames), [10, 20, 10]);
  const large = new FrameWriter(2 ** 26);
  for (let i = 0; i < 3; i++) write(large, managerBatchBytes);
  assert.deepEqual(sizes(large), [managerBatchBytes, managerBatchBytes, managerBatchBytes]);
});

testClean('frames: what is written before the limit is told fits the least there can be (2.5)', {}, () => {
  const frames = new FrameWriter(2 ** 26, false);
  for (const bytes of [500, 500, 500, 3_000, 2_000, 20]) write(frames, bytes);
  const refused = frames.limit(2_500);
  assert.deepEqual(
    refused.map(({ length }) => length),
    [3_000],
  );
  write(frames, 20);
  assert.deepEqual(sizes(frames), [1_000, 500, 2_000, 20, 20]);
});

testServer('frames: what is too large fails its own call (2.5)', plain, async (client) => {
  const list = client.list();
  const waiting = client.Queue().get();
  const tooMany = [
    list.extend(Array.from({ length: maxDataNodes + 1 }, () => 'a')),
    list.append(...Array.from({ length: maxArguments + 1 }, (_, i) => i)),
    list.append(new Map(Array.from({ length: maxDataNodes / 2 }, (_, i) => [i, i]))),
  ];
  for (const call of tooMany) assert.equal((await rejection(call)).name, 'FrameTooLargeError');
  await list.extend(Array.from({ length: maxDataNodes - 2 }, () => 'a'));
  assert.equal(await list.length(), maxDataNodes - 2);
  // Together they are more than one frame may have.
  await Promise.all(
    [1, 2, 3].map(() =>
      list.set(
        0,
        Array.from({ length: maxDataNodes / 2 }, () => ''),
      ),
    ),
  );
  client.list();
  assert.equal(await Promise.race([waiting, list.length()]), maxDataNodes - 2);
});

testServer(
  'frames: the limit is the one that the server tells, for calls made before it has too (2.5)',
  { ...plain, maxFrameBytes: minManagerFrameBytes },
  async (client, server) => {
    const list = client.list();
    await Promise.all(Array.from({ length: 100 }, (_, i) => list.append('x'.repeat(i))));
    assert.equal((await rejection(list.append('x'.repeat(minManagerFrameBytes)))).name, 'FrameTooLargeError');
    assert.equal(await list.length(), 100);
    await client.shutdown();
    const early = connectionTo({ address: server.address, tls: false }, new AuthKey(authKey), false);
    const [refused, answer] = [early.manage('ping', ['x'.repeat(minManagerFrameBytes)]), early.manage('ping')];
    assert.equal((await rejection(refused)).name, 'FrameTooLargeError');
    assert.equal(await answer, undefined);
    early.close();
  },
);

testServer('frames: what cannot be revived here fails its own call (I16)', plain, async (client, server) => {
  const dict = client.dict<string, ListProxy>();
  await dict.set('mine', client.list([1]));
  const { id } = proxyMaker.referenceOf(dict)!;
  const strange = new Foreign({ address: '/nowhere', kind: 'list', id, mayCome: false });
  const managed = server.objects.find(id) as { target: { set(call: unknown, key: string, value: unknown): void } };
  managed.target.set(undefined, 'foreign', [strange, strange]);
  const waiting = client.Queue().get();
  assert.equal((await rejection(dict.get('foreign'))).name, 'AuthenticationError');
  assert.equal((await rejection(dict.value())).name, 'AuthenticationError');
  assert.equal(await (await dict.get('mine'))!.length(), 1);
  assert.equal(await Promise.race([waiting, dict.size()]), 2);
});

testClean('frames: what has to be loaded first is put where it lies', {}, async () => {
  const loading = ['a', 'b', 'c', 'd', 'e'].map(async (each) => each);
  const [a, b, c, d, e] = loading;
  const shared = [a];
  const value = {
    list: [1, b, shared],
    map: new Map<unknown, unknown>([[c, { deep: d }]]),
    set: new Set<unknown>([1, e]),
    error: new Error('x', { cause: shared }),
  };
  const settled = (await settle(value, loading as Promise<unknown>[])) as typeof value;
  assert.deepEqual(settled.list, [1, 'b', ['a']]);
  assert.deepEqual([...settled.map], [['c', { deep: 'd' }]]);
  assert.deepEqual([...settled.set], [1, 'e']);
  assert.equal(settled.error.cause, settled.list[2]);
  assert.equal(await settle(a, [a!]), 'a');
});
