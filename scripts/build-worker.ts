// Bundles what a worker runs into one file for processes and one for threads: every module that a worker imports costs it
// 0.3-0.4 ms at its start, and the loader of ES modules 5 ms, so they are CommonJS. Each gets an entry, which runs it from V8's
// cache. The compiled modules, of no use then, are removed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { rolldown } from 'rolldown';

const folder = 'dist/worker';
const kinds = ['process', 'thread'];
const sources = ['entry', ...kinds.map((kind) => `${kind}-main`)];

const missing = sources.filter((name) => !existsSync(`${folder}/${name}.js`));
if (missing.length > 0) {
  console.error(`Cannot bundle the workers: ${folder} has no ${missing.map((name) => `${name}.js`).join(', no ')}.`);
  process.exit(1);
}
for (const name of readdirSync(folder)) if (name.endsWith('.cjs')) rmSync(`${folder}/${name}`);

for (const kind of kinds) {
  const bundle = await write(`${kind}-main`, `${folder}/${kind}.cjs`);
  const digest = createHash('sha256').update(bundle).digest('hex').slice(0, 12);
  renameSync(`${folder}/${kind}.cjs`, `${folder}/${kind}-${digest}.cjs`);
  await write('entry', `${folder}/entry-${kind}.cjs`, { BUNDLE: JSON.stringify(`${kind}-${digest}.cjs`) });
}
for (const name of sources)
  for (const extension of ['js', 'js.map', 'd.ts', 'd.ts.map'])
    rmSync(`${folder}/${name}.${extension}`, { force: true });

/** One build per file: a common one would move what they share into a further file. */
async function write(source: string, file: string, define: Record<string, string> = {}): Promise<string> {
  const build = await rolldown({
    input: `${folder}/${source}.js`,
    platform: 'node',
    external: ['koffi', 'meriyah', /^@koromix\//],
    transform: { define },
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await build.write({ file, format: 'cjs', comments: { jsdoc: false } });
  await build.close();
  if (output.length > 1) throw new Error(`${file} is not one file. What does it import() that could be loaded by URL?`);
  return readFileSync(file, 'utf8');
}
