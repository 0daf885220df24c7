/** What the package sends of its own: functions, classes and objects of files that may be large. */
import { Lock, Manager, Pool, Process, Queue, range, SharedValue } from 'manycore';
import { ThreadPoolExecutor } from 'manycore/futures';

const kind = process.env['KIND'] as 'thread' | 'process';
const pool = new Pool(1, { context: kind });
const executor = new ThreadPoolExecutor(1);
const manager = new Manager();
const [queue, lock, total] = [new Queue<number>(), new Lock(), new SharedValue('i32', 0)];
const seen = manager.dict<string, number>();
const child = new Process({
  target: async (out: Queue<number>) => {
    await lock.run(() => (total.value += 2));
    await seen.set('a', 1);
    await out.put(7);
  },
  args: [queue],
  context: kind,
});
child.start();
const got = await queue.get();
await child.join();
const length = await pool.apply((numbers: Iterable<number>) => [...numbers].length, [range(3)]);
const back = await pool.apply(() => range(4));
const square = await executor.submit((x: number) => x * x, 3);
console.log(JSON.stringify([got, total.value, await seen.get('a'), length, [...back], square]));
await Promise.all([pool.terminate(), executor.shutdown(), manager.shutdown()]);
