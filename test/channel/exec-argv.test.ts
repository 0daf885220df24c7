import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { acceptedExecArgv, filterExecArgv } from '#internal/channel/exec-argv.js';

test('exec-argv: what a test runner passes to its files does not keep threads from starting', () => {
  const options = ['--tls-cipher-list=A:B', '--node-snapshot', '--no-warnings', '--conditions=dev'];
  assert.deepEqual(filterExecArgv(options, 'thread'), ['--no-warnings', '--conditions=dev']);
});

test('exec-argv: an option that Node refuses for a thread is left out, the others stay', () => {
  const options = ['--no-warnings', '--title=x'];
  let refusal: unknown;
  try {
    void new Worker('', { eval: true, execArgv: options }).terminate();
  } catch (error) {
    refusal = error;
  }
  assert.deepEqual(acceptedExecArgv(options, refusal), ['--no-warnings']);
  assert.equal(acceptedExecArgv(options, new Error('something else')), undefined);
});
