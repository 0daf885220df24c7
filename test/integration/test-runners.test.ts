import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const programs = 'test/integration/programs';
const env = { ...process.env, NO_COLOR: '1', CI: '1', NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined };

test('closures: functions of a vitest file travel', { timeout: 60_000 }, async () => {
  const options = ['node_modules/vitest/vitest.mjs', 'run', '--globals', '--dir', programs];
  const { stdout } = await run(process.execPath, options, { env });
  assert.match(stdout, /Tests\s+2 passed \(2\)/);
});

test('closures: functions of a jest file travel', { timeout: 60_000 }, async () => {
  const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--rootDir', programs, '--testMatch'];
  const { stderr } = await run(process.execPath, [...jest, '**/*.spec.mjs'], { env });
  assert.match(stderr, /Tests:\s+2 passed, 2 total/);
});
