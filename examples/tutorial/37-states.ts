// The three states of a process (initial, started, stopped), and who is who: currentProcess(), the ids of parent and child.
//   print(p); p.start(); print(p); p.join(); print(p); print(current_process().name, os.getpid(), os.getppid())
import assert from 'node:assert/strict';
import { activeChildren, currentProcess, parentProcess, Process } from 'manycore';
import { transcript } from './transcript.ts';

const lines = transcript();

function report(): void {
  console.log('child ', currentProcess().name, process.pid, 'child of', process.ppid, parentProcess()?.name);
}

console.log('parent', currentProcess().name, process.pid);

const p = new Process({ target: report, name: 'worker' });
console.log(p, p.isAlive());
p.start();
console.log(p, p.isAlive(), activeChildren().length);
await p.join();
console.log(p, p.isAlive(), activeChildren().length);

const us = `parent=${process.pid}`;
assert.deepEqual(lines, [
  `parent MainProcess ${process.pid}`,
  `<Process name='worker' ${us} initial> false`,
  `<Process name='worker' pid=${p.pid} ${us} started> true 1`,
  `child  worker ${p.pid} child of ${process.pid} MainProcess`,
  `<Process name='worker' pid=${p.pid} ${us} stopped exitcode=0> false 0`,
]);
