// The states of a future: pending, running, cancelled, finished with a value, finished with an error.
//   future = executor.submit(task, 1)
//   print(future.running(), future.done(), future.cancelled())
//   print(future.cancel())
//   print(future.result(timeout=5)); print(future.exception(timeout=5))
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError, ThreadPoolExecutor, TimeoutError, type Future } from 'manycore/futures';

function show(name: string, future: Future<unknown>): void {
  const [running, done, cancelled] = [future.running(), future.done(), future.cancelled()];
  console.log(name.padEnd(8), future, { running, done, cancelled });
}

async function task(ms: number): Promise<number> {
  await sleep(ms);
  return ms;
}

await using executor = new ThreadPoolExecutor({ maxWorkers: 1 });
const first = executor.submit(task, 300);
const second = executor.submit(task, 300);
const failing = executor.submit(() => {
  throw new RangeError('no');
});
while (!first.running()) await sleep(5);

show('first', first);
show('second', second);
assert.ok(first.running() && !second.running() && !second.done());

console.log('cancel the first:', first.cancel(), '- it runs already');
console.log('cancel the second:', second.cancel(), '- it had not begun');
show('second', second);
assert.ok(!first.cancelled() && second.cancelled() && second.done());

const early = await first.result({ timeout: 10 }).catch((error: unknown) => error);
console.log('the first, after 10 ms:', String(early));
assert.ok(early instanceof TimeoutError);
console.log('the first:', await first.result({ timeout: 5_000 }));
show('first', first);
assert.equal(await first.exception(), undefined);

const none = await second.result().catch((error: unknown) => error);
console.log('the second:', String(none));
assert.ok(none instanceof CancelledError);

console.log('the failing:', String(await failing.exception({ timeout: 5_000 })));
show('failing', failing);
assert.ok(failing.done() && !failing.cancelled());
