import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  Pool,
  Process,
  ShareableList,
  SharedMemory,
  SharedMemoryError,
  SharedMemoryManager,
} from 'manycore';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';

const created = (size: number): SharedMemory => new SharedMemory({ create: true, size });

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof SharedMemoryError, String(error));
    return (error.cause as NodeJS.ErrnoException | undefined)?.code;
  }
  return 'nothing was thrown';
}

const isThere = (name: string): boolean => existsSync(`/dev/shm/${name}`);

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
}

const sayName = `
  const { SharedMemory } = await import('manycore');
  const memory = new SharedMemory({ create: true, size: 10 });
  console.log(memory.name);
`;

testClean('shared memory: made by size, zero, with a name of its own and for this user only (F137)', {}, () => {
  const [a, b] = [created(100), created(100)];
  assert.deepEqual([a.size, a.buffer.byteLength, a.bytes.some((byte) => byte !== 0)], [100, 100, false]);
  assert.notEqual(a.name, b.name);
  assert.equal(statSync(`/dev/shm/${a.name}`).mode & 0o777, 0o600);
  assert.equal(inspect(a), `SharedMemory("${a.name}", size=100)`);
  a.unlink();
  b.unlink();
});

testClean('shared memory: attached by name it is the same, whatever size is asked for (F138)', {}, () => {
  const made = created(10);
  const attached = new SharedMemory({ name: made.name, size: 5 });
  attached.bytes[3] = 7;
  assert.deepEqual([made.bytes[3], attached.size], [7, 10]);
  made.unlink();
});

testClean('shared memory: a missing name cannot be attached, a taken one not made (F140)', {}, () => {
  assert.equal(
    codeOf(() => new SharedMemory({ name: 'manycore no such' })),
    'ENOENT',
  );
  const made = created(10);
  assert.equal(
    codeOf(() => new SharedMemory({ name: made.name, create: true, size: 10 })),
    'EEXIST',
  );
  made.unlink();
});

testClean('shared memory: a new name that is taken is not used, another one is (F142)', {}, () => {
  const { randomBytes } = crypto;
  const first = created(10);
  const taken = Buffer.from(first.name.split('-').at(-1)!, 'hex');
  let calls = 0;
  crypto.randomBytes = ((size: number) => (++calls <= 3 ? taken : randomBytes(size))) as typeof randomBytes;
  syncBuiltinESMExports();
  try {
    const second = created(20);
    assert.equal(calls, 4);
    assert.notEqual(second.name, first.name);
    assert.deepEqual([first.size, second.size], [10, 20]);
    second.unlink();
  } finally {
    crypto.randomBytes = randomBytes;
    syncBuiltinESMExports();
    first.unlink();
  }
});

testClean('shared memory: a size that cannot be is refused (F141)', {}, () => {
  for (const size of [0, -1, 1.5, Number.NaN, undefined])
    assert.throws(() => new SharedMemory({ create: true, ...(size !== undefined && { size }) }), ArgumentRangeError);
  assert.throws(() => new SharedMemory({ create: true, size: '5' as never }), ArgumentTypeError);
  assert.throws(() => new SharedMemory({}), ArgumentTypeError);
  assert.throws(() => new SharedMemory({ create: true, sise: 5 } as never), /Did you mean "size"/);
});

testClean('shared memory: more than there is is refused at the call (G14)', {}, () => {
  assert.equal(
    codeOf(() => created(2 ** 44)),
    'ENOSPC',
  );
  assert.deepEqual(
    readdirSync('/dev/shm').filter((name) => name.startsWith(`manycore-${process.pid}-`)),
    [],
  );
});

testClean('shared memory: names with NUL and slashes are refused, odd ones work (F143, F144)', {}, () => {
  for (const name of ['a\0b', 'a/b', '', '..', 'x'.repeat(300)])
    assert.throws(() => new SharedMemory({ name, create: true, size: 1 }), ArgumentRangeError);
  for (const name of [`${process.pid} a:b`, `${process.pid}\nline`]) {
    const made = new SharedMemory({ name, create: true, size: 1 });
    assert.ok(existsSync(`/dev/shm/${name}`));
    made.unlink();
  }
});

testClean('shared memory: closed here it cannot be used, twice is once; arrays over it stay valid (F145)', {}, () => {
  const made = created(8);
  const { bytes } = made;
  bytes[0] = 3;
  made.close();
  made.close();
  assert.throws(() => made.buffer, SharedMemoryError);
  assert.throws(() => made.bytes, SharedMemoryError);
  assert.equal(bytes[0], 3);
  made.unlink();
});

testClean(
  'shared memory: unlinked it goes on for those who have it; a second time there is none (F146, F147)',
  {},
  () => {
    const made = created(8);
    const other = new SharedMemory({ name: made.name });
    made.unlink();
    other.bytes[1] = 5;
    assert.equal(made.bytes[1], 5);
    assert.equal(
      codeOf(() => new SharedMemory({ name: made.name })),
      'ENOENT',
    );
    assert.equal(
      codeOf(() => made.unlink()),
      'ENOENT',
    );
  },
);

testClean('shared memory: a manager removes all that it has made (F151)', {}, () => {
  const manager = new SharedMemoryManager();
  const names = [manager.SharedMemory(10).name, manager.ShareableList([1, 'a']).memory.name];
  manager.shutdown();
  manager.shutdown();
  for (const name of names) assert.ok(!existsSync(`/dev/shm/${name}`));
  assert.throws(() => manager.SharedMemory(1), SharedMemoryError);
});

testClean('shared memory: what a program leaves goes with its end; what it only attached stays (F154)', {}, () => {
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', sayName], { encoding: 'utf8' });
  assert.match(stdout, /^manycore-/);
  assert.ok(!existsSync(`/dev/shm/${stdout.trim()}`));
  const made = created(10);
  const attach = `
    const { SharedMemory } = await import('manycore');
    new SharedMemory({ name: process.argv[1] }).bytes[0] = 9;
  `;
  spawnSync(process.execPath, ['--input-type=module', '-e', attach, made.name]);
  assert.ok(existsSync(`/dev/shm/${made.name}`));
  assert.equal(made.bytes[0], 9);
  made.unlink();
});

testClean(
  'shared memory: what a killed program has left is removed by the next, a chosen name too (F153, F162)',
  {},
  () => {
    const chosen = `chosen by ${process.pid}`;
    const leave = `${sayName}
    new SharedMemory({ create: true, size: 10, name: ${JSON.stringify(chosen)} });
    process.kill(process.pid, 'SIGKILL');
  `;
    spawnSync(process.execPath, ['--input-type=module', '-e', leave]);
    assert.ok(existsSync(`/dev/shm/${chosen}`));
    spawnSync(process.execPath, ['--input-type=module', '-e', sayName]);
    assert.ok(!existsSync(`/dev/shm/${chosen}`));
  },
);

const python = spawnSync('python3', ['-c', 'import multiprocessing.shared_memory']).status === 0;
const withPython = { skip: python ? false : 'there is no python3' };

testClean('shared memory: Python attaches one of ours by its name, and what it writes is read here', withPython, () => {
  for (const made of [created(10), new SharedMemory({ create: true, size: 10, name: `${process.pid} for Python` })]) {
    made.bytes.set([1, 2, 3]);
    const script = `
import sys
from multiprocessing import shared_memory, resource_tracker
m = shared_memory.SharedMemory(name=sys.argv[1])
print(m.size, bytes(m.buf[:4]))
m.buf[9] = 77
m.close()
resource_tracker.unregister(m._name, 'shared_memory')
`;
    const { stdout, stderr } = spawnSync('python3', ['-c', script, made.name], { encoding: 'utf8' });
    assert.equal(stdout, String.raw`10 b'\x01\x02\x03\x00'` + '\n', stderr);
    assert.equal(made.bytes[9], 77);
    made.unlink();
  }
});

testClean("shared memory: one of Python's is attached here by its name, and stays Python's", withPython, async () => {
  const script = `
import sys
from multiprocessing import shared_memory
m = shared_memory.SharedMemory(create=True, size=5000)
m.buf[:3] = b'abc'
print(m.name, flush=True)
sys.stdin.readline()
print(m.buf[4999], flush=True)
m.close()
m.unlink()
`;
  const child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { value: name } = (await lines.next()) as { value: string };
  const attached = new SharedMemory({ name });
  assert.ok(attached.size >= 5_000);
  assert.equal(Buffer.from(attached.bytes.subarray(0, 3)).toString(), 'abc');
  attached.bytes[4_999] = 66;
  attached.close();
  child.stdin.end('\n');
  assert.equal((await lines.next()).value, '66');
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.equal(
    codeOf(() => new SharedMemory({ name })),
    'ENOENT',
  );
});

testClean(
  'shared memory: a program at work that a signal ends has removed all it made by then (F153)',
  {},
  async () => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      const wait = `${sayName}
      const { Pool } = await import('manycore');
      new SharedMemory({ create: true, size: 10, name: 'chosen by ' + process.pid });
      await new Pool(1).apply(() => {
        console.log('at work');
        return new Promise(() => undefined);
      });`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', wait], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const { value: name } = (await lines.next()) as { value: string };
      const names = [name, `chosen by ${child.pid}`];
      assert.equal((await lines.next()).value, 'at work');
      assert.deepEqual(names.map(isThere), [true, true]);
      child.kill(signal);
      await once(child, 'close');
      assert.deepEqual(names.map(isThere), [false, false], signal);
    }
  },
);

testClean(
  'shared memory: SIGINT to the whole group is for the program to handle: its memory and its workers stay (F152, F163)',
  {},
  async () => {
    const program = `
      const { Pool, SharedMemoryManager } = await import('manycore');
      const manager = new SharedMemoryManager();
      const memory = manager.SharedMemory(10);
      const pool = new Pool(1);
      const write = (shared, value) => void (shared.bytes[0] = value);
      await pool.apply(write, [memory, 1]);
      const alive = setInterval(() => {}, 1_000);
      process.on('SIGINT', async () => {
        clearInterval(alive);
        await pool.apply(write, [memory, 2]);
        console.log(memory.bytes[0], pool.statistics().lost);
        await pool.terminate();
        manager.shutdown();
      });
      console.log(memory.name);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value: name } = (await lines.next()) as { value: string };
    // All of this terminal: what Ctrl-C does.
    for (const pid of [child.pid!, ...childrenOf(child.pid!)]) process.kill(pid, 'SIGINT');
    assert.equal((await lines.next()).value, '2 0');
    assert.deepEqual(await once(child, 'close'), [0, null]);
    assert.ok(!isThere(name));
  },
);

eachContext((context) => {
  testPool(
    'shared memory: as an argument it arrives attached, nested too (F149)',
    { context, workers: 1 },
    async (pool) => {
      const made = created(8);
      await pool.apply(
        ({ list: [memory] }: { list: SharedMemory[] }) => void (memory!.bytes[2] = 4),
        [{ list: [made] }],
      );
      assert.equal(made.bytes[2], 4);
      const captured = await pool.apply(() => made.bytes[2]);
      assert.equal(captured, 4);
      made.unlink();
    },
  );

  testPool(
    'shared memory: unlinked before it arrives, it is missed there (F150)',
    { context, workers: 1 },
    async (pool) => {
      const made = created(8);
      made.unlink();
      const error = await rejection(pool.apply((memory: SharedMemory) => memory.size, [made]));
      assert.match(error.message, /there is none of this name/);
    },
  );

  testClean('shared memory: what a worker makes outlives it, and goes with the program', {}, async () => {
    let made: SharedMemory;
    {
      const pool = new Pool(1, { context });
      made = await pool.apply(async () => {
        const { SharedMemory: Made } = await import('manycore');
        const memory = new Made({ create: true, size: 10 });
        memory.bytes[0] = 1;
        return memory;
      });
      await pool.terminate();
    }
    assert.ok(made instanceof SharedMemory);
    assert.equal(new SharedMemory({ name: made.name }).bytes[0], 1);
    made.unlink();
  });

  testClean('shared memory: a process gets it as an argument', {}, async () => {
    const made = created(4);
    const p = new Process({ context, target: (memory: SharedMemory) => void memory.bytes.fill(6), args: [made] });
    p.start();
    await p.join();
    assert.deepEqual([...made.bytes], [6, 6, 6, 6]);
    made.unlink();
    await eventually(() => !p.isAlive());
  });
});

testClean('shared memory: a file that is empty, or no list, is refused', {}, () => {
  const name = `manycore-test-${process.pid}`;
  writeFileSync(`/dev/shm/${name}`, '');
  try {
    assert.throws(() => new SharedMemory({ name }), SharedMemoryError);
    for (const junk of [new Uint8Array(8), new Uint8Array(64).fill(255), new Uint8Array(64).fill(1)]) {
      writeFileSync(`/dev/shm/${name}`, junk);
      assert.throws(() => new ShareableList(undefined, { name }), SharedMemoryError);
    }
  } finally {
    unlinkSync(`/dev/shm/${name}`);
  }
});
