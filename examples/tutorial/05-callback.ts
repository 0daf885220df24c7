// A callback: the function runs in a child process, the callback in the main process with the function's result.
//   print('main process', os.getpid())
//   p.apply_async(func1, args=(10,), callback=func2); p.close(); p.join()
import assert from 'node:assert/strict';
import { Pool } from 'manycore';

const seen: { pid: number; result: number }[] = [];

function func1(n: number): number {
  console.log('in func1', process.pid, 'child of', process.ppid);
  return n * n;
}

function func2(nn: number): void {
  console.log('in func2', process.pid, nn);
  seen.push({ pid: process.pid, result: nn });
}

console.log('main process', process.pid);
const p = new Pool(5);
void p.applyAsync(func1, [10], { callback: func2 });
p.close();
await p.join();

assert.deepEqual(seen, [{ pid: process.pid, result: 100 }]);
