import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Manager } from 'manycore';
import type { DictProxy, ListProxy, NamespaceProxy, SetProxy } from 'manycore/managers';
import { rejection, testClean } from '../matrix.ts';
import { authKey, testServer } from './support.ts';

class Tree {
  children(): string[] {
    return ['a', 'b'];
  }
  async names(): Promise<Map<string, number>> {
    return new Map([['a', 1]]);
  }
  tags(): Set<number> {
    return new Set([1]);
  }
  options(): object {
    return { deep: true };
  }
  lock(): object {
    return {};
  }
}

class Trees extends Manager {}
Trees.register('Tree', {
  create: Tree,
  results: { children: 'list', names: 'dict', tags: 'set', options: 'Namespace', lock: 'Lock' },
});
Trees.register('config', { type: 'dict', create: async () => ({ a: 1 }) });
Trees.register('wrong', { type: 'Queue', create: () => [] });

testServer(
  'manager: what a method gives as a list is one, made of what it gave',
  { address: { port: 0 }, tls: false, manager: Trees },
  async (client) => {
    const tree = client.create('Tree');
    const children = (await tree.callMethod('children')) as ListProxy<string>;
    await children.append('c');
    assert.deepEqual(await children.value(), ['a', 'b', 'c']);
    const names = (await tree.callMethod('names')) as DictProxy<string, number>;
    assert.equal(await names.incr('a'), 2);
    const tags = (await tree.callMethod('tags')) as SetProxy<number>;
    assert.equal(await tags.has(1), true);
    const options = (await tree.callMethod('options')) as NamespaceProxy<{ deep: boolean }>;
    assert.equal(await options.get('deep'), true);
    assert.equal((await rejection(tree.callMethod('lock'))).name, 'ArgumentTypeError');
    const config = client.create<DictProxy<string, number>>('config');
    assert.equal(await config.get('a'), 1);
    assert.equal((await rejection(client.create('wrong').callMethod('qsize'))).name, 'ArgumentTypeError');
  },
);

testServer(
  "manager: a pool's initializer runs in its workers (G182)",
  { address: { port: 0 }, tls: false, allowCode: true },
  async (client) => {
    const pool = client.Pool(1, { initializer: () => void Object.assign(globalThis, { ready: 7 }) });
    assert.equal(await pool.apply(() => Reflect.get(globalThis, 'ready') as number), 7);
    await pool.terminate();
  },
);

testClean(
  'manager: a server is started at a path, which only this user may use, and takes it along',
  { skip: process.platform === 'win32' && 'it has no such paths' },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'at-path-'));
    const path = join(folder, 's');
    try {
      {
        await using manager = new Manager({ address: path, authKey });
        await manager.start();
        assert.equal(statSync(path).mode & 0o777, 0o600);
        await using other = await Manager.connect(path, { authKey });
        assert.equal(await other.list([1]).length(), 1);
        const second = new Manager({ address: path, authKey });
        assert.equal((await rejection(second.start())).name, 'ManagerStateError');
        assert.equal(await other.list([1, 2]).length(), 2, 'it was left alone');
      }
      assert.equal(existsSync(path), false);
      await using server = new Manager({ address: path, authKey }).getServer();
      await server.start();
      assert.equal(statSync(path).mode & 0o777, 0o600);
      server.shutdown();
      writeFileSync(path, 'a file');
      assert.equal((await rejection(new Manager({ address: path, authKey }).start())).name, 'ManagerStateError');
      await rejection(new Manager({ address: join(folder, 'no', 's') }).start());
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
