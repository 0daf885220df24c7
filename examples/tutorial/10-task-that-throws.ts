// A task that throws: the error reaches the main process with its class, its fields, its message and both stacks.
//   res = pool.apply_async(func, (0,))
//   try: res.get()
//   except ZeroDivisionError as e: print(type(e), e)
import assert from 'node:assert/strict';
import { Pool } from 'manycore';

class ZeroDivisionError extends Error {
  override readonly name = 'ZeroDivisionError';
  readonly dividend: number;

  constructor(dividend: number) {
    super(`${dividend} divided by zero`);
    this.dividend = dividend;
  }
}

function divide(a: number, b: number): number {
  if (b === 0) throw new ZeroDivisionError(a);
  return a / b;
}

await using pool = new Pool(2);
console.log(await pool.apply(divide, [6, 3]));
const res = pool.applyAsync(divide, [6, 0]);
try {
  await res.get();
  assert.fail('it must throw');
} catch (error) {
  assert.ok(error instanceof ZeroDivisionError, 'the same class as here');
  console.log(error.stack);
  assert.equal(error.dividend, 6);
  assert.equal(error.message, '6 divided by zero');
  const [remote = '', here = ''] = String(error.stack).split(/^.*--- on worker.*$/m);
  assert.match(remote, /at divide \(.*10-task-that-throws/, 'where it was thrown');
  assert.match(here, /10-task-that-throws/, 'where it was called');
}
assert.equal(res.successful(), false);
assert.equal(await pool.apply(divide, [8, 2]), 4, 'the pool goes on');
