import { strict as assert } from 'node:assert';
import { testClean } from '../matrix.ts';
import { interruptUntilItEnds, runScript } from '../run-script.ts';

testClean('condition: SIGINT gives a wait up, and the program goes on with the lock held (D107)', {}, async () => {
  const { stdout, code } = await runScript(
    `
    import { Condition } from 'manycore';
    const condition = new Condition();
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort(new Error('interrupted')));
    await condition.run(async () => {
      const wait = condition.wait({ signal: stop.signal });
      console.log('waits');
      const error = await wait.catch((reason) => reason);
      console.log(error.name, error.cause.message, condition.locked());
    });
    console.log(condition.locked());
    `,
    { during: async ({ printed, pid }) => printed('waits').then(() => process.kill(pid, 'SIGINT')) },
  );
  assert.equal(stdout, 'waits\nAbortError interrupted true\nfalse\n');
  assert.equal(code, 0);
});

testClean('locks: who waits without blocking keeps the program alive (G19)', {}, async () => {
  const { stdout, code } = await runScript(`
    import { SharedEvent } from 'manycore';
    const event = new SharedEvent();
    setTimeout(() => event.set(), 100).unref();
    console.log(await event.wait());
  `);
  assert.equal(stdout, 'true\n');
  assert.equal(code, 0);
});

for (const call of [
  'new SharedEvent().waitSync()',
  'lock.acquireSync()',
  'condition.runSync(() => condition.waitSync())',
]) {
  testClean(`locks: Ctrl-C ends a program that is blocked by ${call}, also while a pool works (G19)`, {}, async () => {
    const { signal } = await runScript(
      `
      import { Condition, Lock, Pool, SharedEvent } from 'manycore';
      const pool = new Pool(1);
      const [lock, condition, begun] = [new Lock(), new Condition(), new SharedEvent()];
      lock.acquireSync();
      void pool.apply((its) => (its.set(), new Promise(() => {})), [begun]);
      await begun.wait();
      console.log('blocked');
      ${call};
      `,
      { during: interruptUntilItEnds },
    );
    assert.equal(signal, 'SIGINT');
  });
}
