import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { pathToFileURL } from 'node:url';
import { cpuCount, getContext, Pool, Process } from 'manycore';
import { coresOf } from '#internal/pool/cpu-count.js';
import { eachContext, testClean, type Context } from '../matrix.ts';
import { answerOf, outcomeOf } from './support.ts';

/** The cores that the calling thread may use. */
function allowed(): string {
  return /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/thread-self/status', 'latin1'))![1]!;
}

eachContext((context: Context) => {
  const { Process: Of } = getContext(context);

  testClean("process: env is laid over the parent's environment, which stays as it was (B65)", {}, async () => {
    process.env['MANYCORE_TEST_KEPT'] = 'kept';
    try {
      const report = (): void =>
        console.log(JSON.stringify([process.env['MANYCORE_TEST_KEPT'], process.env['MANYCORE_TEST_NEW']]));
      assert.deepEqual(await answerOf(context, report, [], { env: { MANYCORE_TEST_NEW: 'new' } }), ['kept', 'new']);
      assert.deepEqual(await answerOf(context, report, []), ['kept', null]);
      const without = { MANYCORE_TEST_KEPT: undefined };
      assert.deepEqual(await answerOf(context, report, [], { env: without }), [null, null]);
      assert.equal(process.env['MANYCORE_TEST_NEW'], undefined);
    } finally {
      delete process.env['MANYCORE_TEST_KEPT'];
    }
  });

  testClean('process: cpus are the cores that it runs on (505)', {}, async () => {
    const first = allowed().split(/[-,]/)[0]!;
    assert.equal(
      await answerOf(context, () => console.log(JSON.stringify(allowed())), [], { cpus: [Number(first)] }),
      first,
    );
    assert.equal(await answerOf(context, () => console.log(JSON.stringify(allowed())), []), allowed());
  });

  testClean('process: cpus that cannot be are refused (505)', {}, () => {
    for (const cpus of [[], [-1], [0.5], [60_000], [Number.NaN]])
      assert.throws(() => new Of({ cpus }), { name: 'ArgumentRangeError' }, String(cpus));
    for (const cpus of ['0', 0, ['0']]) assert.throws(() => new Of({ cpus } as object), { name: 'ArgumentTypeError' });
  });

  testClean('process: nice is its priority', {}, async () => {
    const own = getPriority();
    assert.equal(await answerOf(context, () => console.log(getPriority()), [], { nice: 7 }), 7);
    assert.equal(getPriority(), own);
  });

  testClean(
    'process: a priority that it may not have ends it with 1 and the reason',
    {
      skip: process.getuid?.() === 0 ? 'root may have any' : false,
    },
    async () => {
      const { exitCode, stderr } = await outcomeOf(context, () => 1, [], { nice: -20 });
      assert.equal(exitCode, 1);
      assert.match(stderr, /EACCES|EPERM/);
    },
  );

  testClean('process: stdio pipe makes streams of its input and output', {}, async () => {
    const p = new Of({
      stdio: 'pipe',
      target: async () => {
        let text = '';
        for await (const chunk of process.stdin) text += String(chunk);
        console.log(text.toUpperCase());
        console.error('errors');
      },
    }).start();
    p.stdin!.end('hello');
    const texts = await Promise.all(
      [p.stdout!, p.stderr!].map(async (stream) => {
        let text = '';
        for await (const chunk of stream) text += String(chunk);
        return text;
      }),
    );
    assert.deepEqual(texts, ['HELLO\n', 'errors\n']);
    await p.join();
    p.close();
  });

  testClean('process: without stdio it has no streams', {}, async () => {
    const p = new Of({ target: () => 1 }).start();
    assert.deepEqual([p.stdin, p.stdout, p.stderr], [null, null, null]);
    await p.join();
  });
});

testClean('process: cwd is its working directory', {}, async () => {
  const report = (): void => console.log(JSON.stringify(process.cwd()));
  assert.equal(await answerOf('process', report, [], { cwd: '/' } as object), '/');
  assert.equal(await answerOf('process', report, [], { cwd: pathToFileURL('/') } as object), '/');
  assert.throws(() => new Process({ cwd: 5 as never }), { name: 'ArgumentTypeError' });
});

testClean(
  'cpuCount: the smallest of affinity, quota and environment, at least 1; bad files are ignored (S446, K10)',
  {},
  async () => {
    const files = (table: Record<string, string>) => (path: string) => table[path.replace('/sys/fs/cgroup/', '')];
    const of = (table: Record<string, string>, available = 8, wish?: string): number =>
      coresOf(available, files(table), wish);
    assert.equal(of({}), 8);
    assert.equal(of({ 'cpu.max': 'max 100000' }), 8);
    assert.equal(of({ 'cpu.max': '300000 100000' }), 3);
    assert.equal(of({ 'cpu.max': '50000 100000' }), 1);
    assert.equal(of({ 'cpu.max': '1600000 100000' }), 8);
    assert.equal(of({ 'cpu/cpu.cfs_quota_us': '200000', 'cpu/cpu.cfs_period_us': '100000' }), 2);
    assert.equal(of({ 'cpu/cpu.cfs_quota_us': '-1', 'cpu/cpu.cfs_period_us': '100000' }), 8);
    for (const bad of ['', 'nonsense', '0 0', '100000', '-5 10']) assert.equal(of({ 'cpu.max': bad }), 8, bad);
    assert.equal(of({}, 8, '5'), 5);
    assert.equal(of({ 'cpu.max': '300000 100000' }, 8, '5'), 3);
    for (const bad of ['', '0', '-1', 'many']) assert.equal(of({}, 8, bad), 8, bad);
    // A process that is kept to one core counts that one.
    await using pool = new Pool(1);
    assert.ok((await pool.apply(() => cpuCount())) >= 1);
    const first = Number(allowed().split(/[-,]/)[0]);
    assert.equal(await answerOf('process', () => console.log(cpuCount()), [], { cpus: [first] }), 1);
  },
);
