// Run by vitest and by jest, which both rewrite this file: what the closure uses must travel all the same.
import { basename } from 'node:path';
import { Pool, ThreadPool } from 'manycore';
import { tripled } from './rewritten.mjs';

let factor = 2;
const triple = (x) => x * factor;
factor = 3;

class Box {
  constructor(size) {
    this.size = size;
  }
}

for (const Kind of [Pool, ThreadPool]) {
  test(`closures, imports and classes travel: ${Kind.name}`, async () => {
    const pool = new Kind(1);
    try {
      expect(await pool.map((x) => triple(x), [1, 2])).toEqual([3, 6]);
      expect(await pool.apply((path) => basename(path), ['/a/b'])).toBe('b');
      expect(await tripled(pool, [1, 2])).toEqual([3, 6]);
      expect(await pool.apply((size) => new Box(size), [4])).toBeInstanceOf(Box);
      await expect(pool.apply(() => Promise.reject(new RangeError('no')))).rejects.toThrow('no');
    } finally {
      await pool.terminate();
    }
  }, 40_000);
}
