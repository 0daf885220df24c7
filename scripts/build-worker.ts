// Bundles each worker entry of dist/ in place into one file: every module that a worker imports costs it 0.3-0.4 ms at its start.
// What an entry imports by `import()` stays a file beside it, `dist/worker/<entry>/<module>.js`, loaded when it is first needed.
import { existsSync, readdirSync, rmSync } from 'node:fs';
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
    input: { [name]: `dist/worker/${name}.js` },
    platform: 'node',
    external: ['koffi', 'meriyah', /^@koromix\//],
    // Lets a lazy file import from the entry what both need.
    preserveEntrySignatures: 'allow-extension',
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await bundle.write({
    dir: 'dist/worker',
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: `${name}/[name].js`,
    comments: { jsdoc: false },
  });
  await bundle.close();

  for (const chunk of output) {
    const eager = chunk.type === 'chunk' && chunk.isEntry ? chunk.imports.filter((id) => id.startsWith(name)) : [];
    if (eager.length > 0)
      throw new Error(`${name}.js needs ${eager.join(', ')} at its start. Is an import() awaited at its top level?`);
  }
  // Left from earlier builds: lazy files that no longer exist, and the compiler's map of the file that was replaced.
  const written = new Set(output.map(({ fileName }) => fileName));
  const lazy = existsSync(`dist/worker/${name}`)
    ? readdirSync(`dist/worker/${name}`).map((file) => `${name}/${file}`)
    : [];
  for (const file of [...lazy, `${name}.js.map`])
    if (!written.has(file)) rmSync(`dist/worker/${file}`, { force: true });
}
