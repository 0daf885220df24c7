import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const programs = 'test/integration/programs';
const env = { ...process.env, NO_COLOR: '1', CI: '1', NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined };

// Its pools run a file in a process, in a thread, and in a V8 context in either.
for (const pool of ['forks', 'threads', 'vmForks', 'vmThreads'])
  test(`closures: functions of a vitest file travel, in its pool ${pool}`, { timeout: 60_000 }, async () => {
    const options = ['node_modules/vitest/vitest.mjs', 'run', '--globals', '--dir', programs, `--pool=${pool}`];
    const { stdout } = await run(process.execPath, options, { env });
    assert.match(stdout, /Tests\s+2 passed \(2\)/);
  });

const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--rootDir', programs];
const match = ['--testMatch', '**/*.spec.mjs'];

test('closures: functions of a jest file travel', { timeout: 60_000 }, async () => {
  const { stderr } = await run(process.execPath, [...jest, ...match], { env });
  assert.match(stderr, /Tests:\s+2 passed, 2 total/);
});

test('closures: functions of a file that istanbul counts travel', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
  try {
    const coverage = [
      '--coverage',
      '--coverageProvider=babel',
      '--coverageReporters=text',
      `--coverageDirectory=${folder}`,
    ];
    const files = ['--collectCoverageFrom', '**/rewritten.mjs'];
    const { stdout, stderr } = await run(process.execPath, [...jest, ...coverage, ...files, ...match], { env });
    assert.match(stderr, /Tests:\s+2 passed, 2 total/);
    assert.match(stdout, /rewritten\.mjs/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
