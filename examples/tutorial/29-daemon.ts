// A daemon ends when the main program's code ends; without the flag the program would wait for it.
//   p = Process(target=worker, args=(3,)); p.daemon = True; p.start(); print('end!')
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Process } from 'manycore';

async function worker(interval: number): Promise<void> {
  console.log('work starts');
  await sleep(interval);
  console.log('work ends');
}

const [, , flag] = process.argv;
if (flag === undefined) {
  // Both programs are this file, run again: what is to be seen is how they end.
  for (const daemon of ['true', 'false']) {
    const { stdout, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), daemon], {
      encoding: 'utf8',
    });
    console.log(`daemon = ${daemon}:\n${stdout}`);
    assert.equal(status, 0);
    assert.ok(stdout.includes('end!'));
    assert.equal(stdout.includes('work ends'), daemon === 'false');
  }
} else {
  const p = new Process({ target: worker, args: [300] });
  p.daemon = flag === 'true';
  p.start();
  console.log('end!');
}
