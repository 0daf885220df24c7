// Runs every example and every ```ts block of the documents, each in a process of its own that must exit with 0.
// A block is a whole program. "```ts no-run" is only type-checked (it needs the network, another file, ...), "```ts no-check" is a fragment.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The demonstration takes 20 s on two cores that have nothing else to do. */
const LIMIT_MS = 200_000;

/** Examples that cannot run here: path -> why. */
const SKIPPED: Record<string, string> = {};

const filesIn = (folder: string, ending: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith(ending) && !name.includes('node_modules'))
        .map((name) => join(folder, name))
        .toSorted()
    : [];

let failed = 0;
const fail = (what: string, output: string): void => {
  failed++;
  console.error(`✖ ${what}\n${output.trimEnd()}`.replaceAll('\n', '\n  '));
};

function runProgram(shown: string, file: string): void {
  // Without the folder that we run in, each program would only wait for its limit.
  if (!existsSync('package.json')) throw new Error('The folder of the package is gone.');
  const { status, signal, error, stdout, stderr } = spawnSync(process.execPath, [file], {
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
  });
  if (status !== 0) fail(`${shown}: ${error?.message ?? `ended with ${signal ?? status}`}`, stdout + stderr);
}

const examples = filesIn('examples', '.ts');
for (const example of examples) {
  const reason = SKIPPED[example];
  if (reason === undefined) runProgram(example, join('build', example.replace(/\.ts$/, '.js')));
  else console.log(`- ${example}: skipped, ${reason}`);
}

// Inside this package's folder, so that `manycore` in a block is this package.
const folder = 'build/docs-blocks';
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const blocks: { shown: string; file: string; runs: boolean }[] = [];
for (const page of ['README.md', ...filesIn('docs', '.md')].filter((name) => existsSync(name))) {
  const text = readFileSync(page, 'utf8');
  for (const { index, 1: flag, 2: code = '' } of text.matchAll(/^```ts(?: +(\S+))?\n(.*?)^```$/gms)) {
    const line = text.slice(0, index).split('\n').length + 1;
    const file = `${page.replaceAll(/[^\w]/g, '-')}-${line}`;
    if (flag === 'no-check') continue;
    // The blank lines make the compiler's line numbers those of the page.
    writeFileSync(join(folder, `${file}.ts`), `${'\n'.repeat(line - 1)}${code}\nexport {};\n`);
    blocks.push({ shown: `${page}:${line}`, file: join(folder, 'out', `${file}.js`), runs: flag !== 'no-run' });
  }
}

if (blocks.length > 0) {
  const config = {
    extends: '../../tsconfig.test.json',
    compilerOptions: { rootDir: '.', outDir: 'out', sourceMap: false },
    include: ['*.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const { status, stdout } = spawnSync('node_modules/.bin/tsc', ['-p', folder], { encoding: 'utf8' });
  if (status !== 0) fail('the blocks of the documents do not compile', stdout);
  for (const { shown, file, runs } of blocks) if (runs && existsSync(file)) runProgram(shown, file);
}

console.log(`examples: ${examples.length} files, ${blocks.length} blocks in documents, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
