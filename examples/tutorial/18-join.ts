// What join does: with it the main line comes after the long child, without it before.
//   p = Process(target=worker, args=(3,)); p.start(); p.join(); print('main process')
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Process } from 'manycore';
import { transcript } from './transcript.ts';

const lines = transcript();

async function worker(interval: number): Promise<void> {
  console.log('work starts');
  await sleep(interval);
  console.log('work ends');
}

const joined = new Process({ target: worker, args: [300] });
joined.start();
await joined.join();
console.log('main, after join');

const left = new Process({ target: worker, args: [300] });
left.start();
console.log('main, without join');
// The program does not end before its child has.
await left.sentinel;

assert.deepEqual(lines, [
  'work starts',
  'work ends',
  'main, after join',
  'main, without join',
  'work starts',
  'work ends',
]);
