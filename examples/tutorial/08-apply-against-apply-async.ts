// apply() is apply_async().get(): in both languages the same value.
//   print(pool.apply(f, (10,)))
//   print(pool.apply_async(f, (10,)).get(timeout=1))
import assert from 'node:assert/strict';
import { Pool } from 'manycore';

const f = (x: number): number => x * x;

await using pool = new Pool(4);
const value = await pool.apply(f, [10]);
console.log(value);
const result = pool.applyAsync(f, [10]);
const later = await result.get({ timeout: 1_000 });
console.log(later);

assert.equal(value, 100);
assert.equal(later, value);
