// Runs the compiled tests: `node build/scripts/test.js [--whole] [part of a path]...`. Only failures and skips are printed; the last
// line is the count. With `--whole` the cases that name a great number, of which the suite does a part, do all of it.
import { existsSync, readdirSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';

const IS_WHOLE = process.argv.includes('--whole');
if (IS_WHOLE) Object.assign(process.env, { MANYCORE_SCALE: '100', KILL_ROUNDS: '100' });

/** No event from a file for this long means a test that hangs, or a process that its tests forgot to end. */
const QUIET_MS_MAX = IS_WHOLE ? 1_800_000 : 60_000;
const FILES_AT_ONCE = 2;

interface TestEvent {
  type: string;
  data: {
    name: string;
    nesting: number;
    message: string;
    skip?: string | boolean;
    todo?: string | boolean;
    details: { type?: string; error?: Error & { failureType?: string; exitCode?: number; signal?: string } };
  };
}

const count = { passed: 0, failed: 0, skipped: 0 };

/** The numbers of cases that names of passed tests have at their end, such as `(L291)` or `(B13, V2)`, by their letter. */
const cases = { conformance: new Map<string, Set<string>>(), faults: new Map<string, Set<string>>() };

/** Faults are numbered anew for each letter, up to 35; the cases of conformance go through, and those of `A`, of a Process, come first. */
const LAST_FAULT = 35;

function noteCases(file: string, name: string): void {
  for (const [number, letter] of /\(([^()]*)\)$/.exec(name)?.[1]?.matchAll(/\b([A-Z])\d+\b/g) ?? []) {
    const isFault = Number(number.slice(1)) <= LAST_FAULT && !(letter === 'A' && file.startsWith('test/process/'));
    const catalogue = isFault ? cases.faults : cases.conformance;
    catalogue.set(letter!, (catalogue.get(letter!) ?? new Set()).add(number));
  }
}

// One run() per file: a `timeout` covers a whole file on Node 20 and 22 but a single test on 24, and an abort ends every file of its run.
async function runFile(file: string): Promise<void> {
  const shown = relative('build', file).replace(/\.js$/, '.ts');
  const path: string[] = [];
  let started = 'the start of the file';
  const parents = new Set<number>();
  const output: string[] = [];
  let failed = 0;
  const fail = (title: string, error: unknown): void => {
    failed++;
    console.log(
      `\n✖ ${shown} > ${title}\n${typeof error === 'string' ? error : inspect(error)}`.replaceAll('\n', '\n  '),
    );
  };

  const quiet = new AbortController();
  const watchdog = setTimeout(() => quiet.abort(), QUIET_MS_MAX);
  for await (const event of run({ files: [file], signal: quiet.signal }) as AsyncIterable<TestEvent>) {
    watchdog.refresh();
    const { type, data } = event;
    if (type === 'test:stdout' || type === 'test:stderr') output.push(data.message);
    if (type === 'test:dequeue') started = data.name;
    if (type === 'test:start') path.splice(data.nesting, Infinity, data.name);
    if (type !== 'test:pass' && type !== 'test:fail') continue;

    // Children are reported before their parent, which counts only for what is its own: a hook that failed, a suite skipped whole.
    const isParent = parents.delete(data.nesting + 1) || data.details.type === 'suite';
    if (data.nesting > 0) parents.add(data.nesting);
    const isFile = data.nesting === 0 && resolve(data.name) === file;
    const title = isFile ? '(the whole file)' : [...path.slice(0, data.nesting), data.name].join(' > ');
    const error = data.details.error;

    if (data.skip !== undefined || data.todo !== undefined) {
      count.skipped++;
      const reason = data.skip ?? data.todo;
      console.log(`- ${shown} > ${title}: skipped, ${typeof reason === 'string' ? reason : 'no reason given'}`);
    } else if (type === 'test:fail') {
      if (error?.failureType === 'subtestsFailed') continue;
      const hung = `Nothing happened for ${QUIET_MS_MAX / 1000} s in or after "${started}": it hangs, or something keeps the process alive.`;
      const ended =
        error?.exitCode || error?.signal ? `The process ended with ${error.exitCode ?? error.signal}.` : undefined;
      fail(title, quiet.signal.aborted ? hung : (ended ?? error?.cause ?? error));
    } else if (isFile) {
      fail(title, 'It declares no test.');
    } else if (!isParent) {
      count.passed++;
      noteCases(shown, data.name);
    }
  }
  clearTimeout(watchdog);
  if (failed > 0 && output.length > 0)
    console.log(`\n  output of ${shown}:\n${output.join('').trimEnd()}`.replaceAll('\n', '\n  | '));
  count.failed += failed;
}

const filters = process.argv.slice(2).filter((argument) => argument !== '--whole');
const files = readdirSync('build/test', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js'))
  .filter(
    (name) => filters.length === 0 || filters.some((part) => `test/${name}`.replace(/\.js$/, '.ts').includes(part)),
  )
  // The compiler leaves the output of a deleted test behind.
  .filter((name) => existsSync(resolve('test', name.replace(/\.js$/, '.ts'))))
  .toSorted()
  .map((name) => resolve('build/test', name));

const waiting = files.values();
const lane = async (): Promise<void> => {
  for (const file of waiting) await runFile(file);
};
await Promise.all(Array.from({ length: FILES_AT_ONCE }, lane));

if (files.length === 0) console.log(`No test file matches: ${filters.join(' ')}`);
for (const [name, numbers] of Object.entries(cases)) {
  const sections = [...numbers]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([letter, { size }]) => `${letter} ${size}`);
  const all = [...numbers.values()].reduce((sum, { size }) => sum + size, 0);
  if (all > 0) console.log(`${all} cases of ${name} have tests: ${sections.join(', ')}`);
}
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
// A process that a failed test left behind must not keep the runner waiting for its output.
process.exit(count.failed > 0 || files.length === 0 ? 1 : 0);
