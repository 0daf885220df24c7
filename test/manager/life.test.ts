import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Manager, Pool, Process } from 'manycore';
import type { DictProxy, ListProxy } from 'manycore/managers';
import { descendants } from '#internal/testing/processes.js';
import { collectGarbage, eachContext, eventually, rejection, testClean } from '../matrix.ts';
import { authKey, runIn, testManager } from './support.ts';

testClean('manager: starts by itself or by start(), once, and ends with 0 (G188)', {}, async () => {
  const manager = new Manager();
  {
    await using block = manager;
    await block.start();
    assert.equal((await rejection(block.start())).name, 'ManagerStateError');
    assert.throws(() => block.getServer(), { name: 'ManagerStateError' });
    assert.deepEqual(await block.list([1]).value(), [1]);
    const folder = dirname(String(block.address));
    assert.equal(statSync(folder).mode & 0o777, 0o700);
  }
  assert.equal(manager.exitCode, 0);
  assert.equal(existsSync(dirname(String(manager.address))), false);
});

testClean(
  'manager: its key is in no command line and no environment, its folder and socket are for this user only (K1, K2, K4)',
  {},
  async () => {
    const secret = 'a key that nobody may see';
    const umask = process.umask(0);
    try {
      await using manager = new Manager({ authKey: secret });
      assert.deepEqual(await manager.list([1]).value(), [1]);
      const told = ['utf8', 'hex', 'base64'].map((form) => Buffer.from(secret).toString(form as BufferEncoding));
      const pids = descendants(process.pid);
      assert.ok(pids.length > 0);
      for (const pid of pids)
        for (const file of ['cmdline', 'environ']) {
          const text = readFileSync(`/proc/${pid}/${file}`, 'latin1');
          for (const form of told) assert.ok(!text.includes(form), file);
        }
      const socket = String(manager.address);
      assert.equal(statSync(dirname(socket)).mode & 0o777, 0o700);
      assert.equal(statSync(socket).mode & 0o777, 0o600);
      const chosen = join(tmpdir(), `manycore-test-${process.pid}-socket`);
      await using server = new Manager({ authKey: secret, address: chosen }).getServer();
      await server.start();
      assert.equal(statSync(chosen).mode & 0o777, 0o600);
    } finally {
      process.umask(umask);
    }
  },
);

testClean('manager: shutdown twice, and a proxy after it (G195)', {}, async () => {
  const manager = new Manager();
  const list = manager.list([1]);
  await list.append(2);
  await manager.shutdown();
  await manager.shutdown();
  const error = await rejection(list.length());
  assert.equal(error.name, 'ConnectionLostError');
  assert.throws(() => manager.list(), { name: 'ManagerStateError' });
});

testClean('manager: an initializer runs before the server serves (G194)', {}, async () => {
  await using manager = new Manager();
  const mark = 'set';
  await manager.start({ initializer: (value: string) => void (process.env['MARK'] = value), initArgs: [mark] });
  assert.equal(await manager.dict().update('x', () => process.env['MARK']), 'set');
  const error = await rejection(new Manager().start({ initializer: 5 as never }));
  assert.equal(error.name, 'ArgumentTypeError');
});

testClean('manager: a failing initializer is seen at once, by all calls', {}, async () => {
  const manager = new Manager();
  const child = (): void => {
    throw new Error('no database');
  };
  const before = process.stderr.write;
  let printed = '';
  process.stderr.write = (text: string | Uint8Array) => {
    printed += String(text);
    return true;
  };
  try {
    const error = await rejection(manager.start({ initializer: child }));
    assert.equal(error.name, 'ConnectionLostError');
    await manager.shutdown();
  } finally {
    process.stderr.write = before;
  }
  assert.match(printed, /no database/);
});

testManager('manager: the last reference goes, and so does the object (G196)', async (manager) => {
  const keep = manager.list();
  const make = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) void manager.dict();
    await manager.dict().size();
    assert.ok((await manager.numberOfObjects()) > 100);
  };
  await make();
  await eventually(async () => {
    collectGarbage();
    return (await manager.numberOfObjects()) === 1;
  });
  await keep.append(manager.dict({ inner: 1 }));
  await eventually(async () => {
    collectGarbage();
    return (await manager.numberOfObjects()) === 1;
  });
  const inner = (await keep.get(0)) as DictProxy<string, number>;
  assert.equal(await inner.get('inner'), 1, 'what lies in another object lives as long as that');
});

eachContext((context) => {
  testManager('manager: a client that is gone has no references any more (G196, I22)', async (manager) => {
    const keep = manager.list<number>();
    await keep.append(1);
    await runIn(
      context,
      async (given: Manager, list: ListProxy<number>) => {
        const mine = Array.from({ length: 1_000 }, () => given.dict());
        await mine.at(-1)!.size();
        await list.append(await given.numberOfObjects());
      },
      [manager, keep],
    );
    assert.ok((await keep.get(1)) > 1_000);
    await eventually(async () => (await manager.numberOfObjects()) === 1);
  });

  testManager('manager: a proxy outlives the worker that made it, on its way (C)', async (manager) => {
    const pool = new Pool(1, { context });
    const list = await pool.apply(
      async (given: Manager) => {
        const made = given.list([1]);
        await made.append(2);
        return made;
      },
      [manager],
    );
    await pool.terminate();
    assert.deepEqual(await list.value(), [1, 2]);
  });
});

testClean('manager: the server is killed: every call is told at once (G197)', {}, async () => {
  await using manager = new Manager();
  const queue = manager.Queue();
  const lock = manager.Lock();
  await lock.acquire();
  const waiting = [queue.get(), lock.acquire(), queue.get()].map(rejection);
  await queue.qsize();
  const start = performance.now();
  process.kill(manager.pid!, 'SIGKILL');
  for (const error of await Promise.all(waiting)) {
    assert.equal(error.name, 'ConnectionLostError');
    assert.equal((error as Error & { maybeExecuted: boolean }).maybeExecuted, true);
  }
  assert.ok(performance.now() - start < 2_000);
  assert.equal((await rejection(queue.qsize())).name, 'ConnectionLostError');
});

testClean('manager: nobody is there: refused at once (G199)', {}, async () => {
  const start = performance.now();
  for (const address of ['/no/such/socket', { port: 1 }]) {
    const error = await rejection(Manager.connect(address, { authKey }));
    assert.equal(error.name, 'ConnectionLostError');
  }
  assert.ok(performance.now() - start < 2_000);
});

testManager('manager: threads of one program have connections of their own (G200)', async (manager) => {
  const list = manager.list<number>();
  await using pool = new Pool(3, { context: 'thread' });
  const results = await pool.map(
    async (n) => {
      const calls = Array.from({ length: 200 }, (_, i) => list.concat([n * 1_000 + i]));
      return (await Promise.all(calls)).every((all, i) => all.at(-1) === n * 1_000 + i);
    },
    [1, 2, 3],
  );
  assert.deepEqual(results, [true, true, true]);
  assert.ok((await manager.statistics()).clients >= 2);
});

testManager('manager: does not keep a program alive, and ends with it', async () => {
  const code = `
    import { Manager } from 'manycore';
    const manager = new Manager();
    const list = manager.list([1]);
    await list.append(2);
    console.log(JSON.stringify([manager.pid, manager.address, await list.value()]));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  const [exitCode] = (await once(child, 'exit')) as [number];
  assert.equal(exitCode, 0);
  const [pid, address, value] = JSON.parse(text) as [number, string, number[]];
  assert.deepEqual(value, [1, 2]);
  await eventually(() => !existsSync(`/proc/${pid}`));
  assert.equal(existsSync(dirname(address)), false);
});

testClean('manager: what a killed program has left is removed by the next one', {}, async () => {
  const code = `
    import { Manager } from 'manycore';
    const manager = new Manager();
    await manager.start();
    console.log(JSON.stringify([manager.pid, manager.address]));
    setInterval(() => {}, 1_000);
  `;
  // A place of its own: any program that comes by would tidy up.
  const TMPDIR = mkdtempSync(join(tmpdir(), 'manycore-test-'));
  const env = { ...process.env, TMPDIR };
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const [pid, address] = JSON.parse(String(chunk)) as [number, string];
  // The server first, and before its program can notice: neither tidies up.
  child.kill('SIGSTOP');
  process.kill(pid, 'SIGKILL');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await eventually(() => !existsSync(`/proc/${pid}`));
  assert.equal(existsSync(address), true);
  const next = new Process({
    target: async () => {
      await using manager = new Manager();
      await manager.start();
    },
    env,
  });
  next.start();
  await next.join();
  assert.equal(existsSync(dirname(address)), false);
  rmSync(TMPDIR, { recursive: true });
});

testManager('manager: calls of one tick and calls that wait do not hold each other up', async (manager) => {
  const queue = manager.Queue<number>();
  const order: string[] = [];
  const waiting = (async () => order.push(`got ${await queue.get()}`))();
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => manager.Value('i', i).get()));
  order.push('values');
  await queue.put(1);
  await waiting;
  assert.deepEqual(order, ['values', 'got 1']);
  await sleep(0);
});
