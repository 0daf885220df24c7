// A number and an array in shared memory, changed by four processes: without a lock, with one, and by atomic additions.
//   def add(v, a, lock):
//       for i in range(1000):
//           with lock: v.value += 1; a[i % 4] += 1
//   v, a, lock = Value('i', 0, lock=False), Array('i', 4, lock=False), Lock()
//   ps = [Process(target=add, args=(v, a, lock)) for _ in range(4)]
import assert from 'node:assert/strict';
import { Barrier, Lock, Process, SharedArray, SharedValue } from 'manycore';

const each = 10_000;
type Add = (v: SharedValue<'i32'>, a: SharedArray<'i32'>, i: number) => void;

/** To read and to write are two steps: what others write in between is lost. */
const plain: Add = (v, a, i) => {
  v.value += 1;
  a.array[i % 4]! += 1;
};

const lock = new Lock();
const locked: Add = (v, a, i) => lock.runSync(() => plain(v, a, i));

const atomic: Add = (v, a, i) => {
  v.add(1);
  a.add(i % 4, 1);
};

function addOften(add: Add, v: SharedValue<'i32'>, a: SharedArray<'i32'>, start: Barrier): void {
  start.waitSync();
  for (let i = 0; i < each; i++) add(v, a, i);
}

async function byFour(add: Add): Promise<[number, number[]]> {
  const args = [add, new SharedValue('i32', 0), new SharedArray('i32', 4), new Barrier(4)] as const;
  const children = [1, 2, 3, 4].map(() => new Process({ target: addOften, args: [...args] }).start());
  await Promise.all(children.map((child) => child.join()));
  const [, total, parts] = args;
  return [total.value, [...parts]];
}

const [some] = await byFour(plain);
console.log('without a lock:', some);
assert.ok(some > 0 && some <= 4 * each);

for (const [name, add] of Object.entries({ locked, atomic })) {
  const [exact, quarters] = await byFour(add);
  console.log(`${name}:`, exact, quarters);
  assert.equal(exact, 4 * each);
  assert.deepEqual(quarters, [each, each, each, each]);
}

// Each has a lock of its own, too: `with v.get_lock()`.
const own = new SharedValue('f64', 1);
const child = new Process({
  target: (v: SharedValue<'f64'>) => v.lock.runSync(() => (v.value *= 2)),
  args: [own],
}).start();
await child.join();
console.log('doubled:', own.value);
assert.equal(own.value, 2);
