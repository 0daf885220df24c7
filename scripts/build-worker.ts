// Bundles each worker entry of dist/ into one file: every module that a worker imports costs it 0.3-0.4 ms at its start, and
// the loader of ES modules 5 ms, so the bundle is CommonJS. The compiled entry, of no use then, is removed.
import { existsSync, rmSync } from 'node:fs';
import { rolldown } from 'rolldown';

const ENTRIES = ['entry-thread', 'entry-process'];

const missing = ENTRIES.filter((name) => !existsSync(`dist/worker/${name}.js`));
if (missing.length > 0) {
  console.error(
    `Cannot bundle the workers: src/worker/ has no ${missing.map((name) => `${name}.ts`).join(', no ')}, or it was not compiled.`,
  );
  process.exit(1);
}

// One build per entry: a common one would move what the entries share into a further file.
for (const name of ENTRIES) {
  const bundle = await rolldown({
    input: `dist/worker/${name}.js`,
    platform: 'node',
    external: ['koffi', 'meriyah', /^@koromix\//],
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await bundle.write({
    file: `dist/worker/${name}.cjs`,
    format: 'cjs',
    comments: { jsdoc: false },
  });
  await bundle.close();
  if (output.length > 1) throw new Error(`${name} is not one file. What does it import() that could be loaded by URL?`);
  for (const file of [`${name}.js`, `${name}.js.map`, `${name}.d.ts`, `${name}.d.ts.map`])
    rmSync(`dist/worker/${file}`, { force: true });
}
