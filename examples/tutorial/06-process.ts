// One process with an argument: started, then waited for. Its line is there before the parent's next.
//   p = Process(target=fun1, args=('test',)); p.start(); p.join(); print('done')
import assert from 'node:assert/strict';
import { Process } from 'manycore';
import { transcript } from './transcript.ts';

const lines = transcript();

function fun1(name: string): void {
  console.log(`testing the process ${name}`);
}

const p = new Process({ target: fun1, args: ['test'] });
p.start();
await p.join();
console.log('done');

assert.deepEqual(lines, ['testing the process test', 'done']);
assert.equal(p.exitCode, 0);
