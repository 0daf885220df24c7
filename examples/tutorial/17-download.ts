// One job, a download with a progress bar and a "ding" at its end, in four forms. Synchronous: you look yourself whether it
// is ready; asynchronous: it calls you. Blocking: you do nothing meanwhile; non-blocking: you do something else.
//   pool.apply(download) | r = apply_async(download); while not r.ready(): ... | apply_async(download, callback=ding).wait() | ... go on
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'manycore';

const parts = [1, 2, 3, 4, 5];

async function download(part: number): Promise<number> {
  await sleep(40);
  return part * 100;
}

const events: string[] = [];
const say = (event: string): void => {
  events.push(event);
  console.log(`  ${event}`);
};
const ding = (): void => say('ding!');
const somethingElse = (): void => say('do something else');

await using pool = new Pool(1);

console.log('1. synchronous, blocking: watch the bar until it is full');
await pool.map(download, parts, { progress: 'download' });
say('look: it is there');
somethingElse();
const first = events.splice(0);

console.log('2. synchronous, non-blocking: do something else, look at the bar now and then');
const watched = pool.mapAsync(download, parts, { progress: 'download' });
somethingElse();
while (!(await watched.wait({ timeout: 60 }))) say('look: not yet');
say('look: it is there');
const second = events.splice(0);

console.log('3. asynchronous, blocking: it will ding, but sit and wait all the same');
await pool.mapAsync(download, parts, { progress: 'download', callback: ding });
somethingElse();
const third = events.splice(0);

console.log('4. asynchronous, non-blocking: it will ding; do something else until it does');
const called = pool.mapAsync(download, parts, { progress: 'download', callback: ding });
somethingElse();
await called;
const fourth = events.splice(0);

assert.deepEqual(first, ['look: it is there', 'do something else']);
assert.equal(second[0], 'do something else');
assert.ok(second.includes('look: not yet'));
assert.equal(second.at(-1), 'look: it is there');
assert.deepEqual(third, ['ding!', 'do something else']);
assert.deepEqual(fourth, ['do something else', 'ding!']);
