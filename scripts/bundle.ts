// Bundles src/ into few files. Each module that is loaded by itself costs 0.3-0.4 ms: a program that imports the package would wait
// 100 ms for all of them.
//
// dist/parts/ has the code, in a file for several folders; every module keeps a file of its own, which hands on its names. So the entries,
// what a worker loads later, and the tests' `#internal/` find each module where it is in src/, and it is there once.
//
// What a worker runs first is one file for processes of pools, one for a `Process`, and one for threads, in CommonJS, as the loader
// of ES modules alone takes 5 ms. Each has an entry, which runs it from V8's cache.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { type InputOptions, type OutputOptions, rolldown } from 'rolldown';

const workers = 'dist/worker';
const kinds = ['process', 'job', 'thread'];
const inWorkers = ['worker/entry', ...kinds.map((kind) => `worker/${kind}-main`)];

/** The folders, or modules, of a part that is not named after its only one. What a worker loads with a queue or a proxy brings no engine along. */
const folders: Readonly<Record<string, string>> = {
  ...sameFor('base', ['program', 'blocking', 'memory', 'wire', 'closure']),
  ...sameFor('core', ['channel', 'worker', 'engine', 'progress', 'process', 'pool', 'futures']),
  ...sameFor('shared', ['sync', 'queues', 'shared']),
  // It names what is in all parts: in `core`, which they import, they would be loaded in a circle.
  'process/context': 'manager',
};
const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly exports: object };
const entries = new Set(Object.keys(exports).map((name) => (name === '.' ? 'index' : name.slice('./'.length))));

function sameFor(part: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, part]));
}

/** The part that a module is in; an entry is in none. */
function partOf(file: string): string | null {
  const name = relative('src', file).replaceAll(sep, '/').replace(/\.ts$/, '');
  const [first = '', ...inside] = name.split('/');
  if (inside.length > 0) return folders[name] ?? folders[first] ?? first;
  return entries.has(first) ? null : 'base';
}

for (const folder of ['dist/parts', '.cache']) rmSync(folder, { recursive: true, force: true });
mkdirSync(workers, { recursive: true });
for (const name of readdirSync(workers)) if (name.endsWith('.cjs')) rmSync(`${workers}/${name}`);

const modules = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll(sep, '/').slice(0, -'.ts'.length))
  .filter((name) => !inWorkers.includes(name));
await write(
  {
    input: Object.fromEntries(modules.map((name) => [name, `src/${name}.ts`])),
    // A module has the names that it exports, no more and no less, whoever uses them here.
    preserveEntrySignatures: 'allow-extension',
    treeshake: false,
  },
  {
    dir: 'dist',
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'parts/[name].js',
    minifyInternalExports: false,
    codeSplitting: { includeDependenciesRecursively: false, groups: [{ debugName: 'parts', name: partOf }] },
  },
);

for (const kind of kinds) {
  const bundle = `${workers}/${kind}.cjs`;
  await writeOne(`${kind}-main`, bundle, {
    // What is short is read sooner, and leaves less to collect during the start.
    minify: { compress: false, mangle: { toplevel: false }, codegen: { asciiOnly: true } },
    // As Node wraps a CommonJS module; to do that at the start would take another copy.
    postBanner: '(function (exports, require, __filename, __dirname) {',
    postFooter: '\n})',
  });
  const digest = createHash('sha256').update(readFileSync(bundle)).digest('hex').slice(0, 12);
  renameSync(bundle, `${workers}/${kind}-${digest}.cjs`);
  await writeOne('entry', `${workers}/entry-${kind}.cjs`, {}, { BUNDLE: JSON.stringify(`${kind}-${digest}.cjs`) });
}

/** One build per file: a common one would move what they share into a further file. */
async function writeOne(
  source: string,
  file: string,
  options: OutputOptions,
  define: Record<string, string> = {},
): Promise<void> {
  const input = `src/worker/${source}.ts`;
  const files = await write({ input, transform: { define } }, { ...options, file, format: 'cjs' });
  if (files > 1) throw new Error(`${file} is not one file. What does it import() that could be loaded by URL?`);
}

/** How many files it wrote. */
async function write(input: InputOptions, options: OutputOptions): Promise<number> {
  const build = await rolldown({
    ...input,
    platform: 'node',
    external: ['koffi', 'meriyah', /^@koromix\//],
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await build.write({ ...options, comments: { jsdoc: false } });
  await build.close();
  return output.length;
}
