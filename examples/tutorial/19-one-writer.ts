// Many processes, one writer: the tasks run anywhere, their callbacks all run here, so the lines never mix.
//   def write(line): f.write(line)
//   for i in range(1000): pool.apply_async(work, (i,), callback=write)
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'manycore';

const folder = mkdtempSync(join(tmpdir(), 'manycore-example-'));
const file = join(folder, 'result.txt');

const work = (i: number): string => `line ${i}: ${'x'.repeat(i % 50)} by process ${process.pid}\n`;
const write = (line: string): void => appendFileSync(file, line);

try {
  const pool = new Pool(4);
  for (let i = 0; i < 1_000; i++) void pool.applyAsync(work, [i], { callback: write });
  pool.close();
  await pool.join();

  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  console.log(`${lines.length} lines by ${new Set(lines.map((line) => line.split(' ').at(-1))).size} processes`);
  assert.equal(lines.length, 1_000);
  assert.equal(new Set(lines.map((line) => /^line (\d+): x* by process \d+$/.exec(line)?.[1])).size, 1_000);
} finally {
  rmSync(folder, { recursive: true });
}
