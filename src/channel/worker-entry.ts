import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManycoreError } from '../errors.ts';

const found = new Map<string, string>();

/**
 * The file that a worker runs; a process that is a Process has one of its own. It lies beside this package's other files; when those were bundled into the user's program,
 * the installed package still has it.
 */
export function workerEntry(kind: 'process' | 'job' | 'thread'): string {
  let path = found.get(kind);
  if (path === undefined) found.set(kind, (path = find(`entry-${kind}.cjs`)));
  return path;
}

function find(name: string): string {
  const beside = besideUs(join('..', 'worker', name));
  if (beside !== undefined && existsSync(beside)) return beside;
  for (const from of [process.argv[1], join(process.cwd(), 'package.json')]) {
    try {
      const installed = join(dirname(createRequire(from!).resolve('manycore/package.json')), 'dist', 'worker', name);
      if (existsSync(installed)) return installed;
    } catch {
      // Not installed where this program lies.
    }
  }
  throw new ManycoreError(
    `Cannot find manycore's ${name}. When you bundle your program, mark manycore as external and install it beside the bundle.`,
  );
}

function besideUs(path: string): string | undefined {
  try {
    return fileURLToPath(new URL(path, import.meta.url));
  } catch {
    // A bundle in CommonJS has no `import.meta.url`.
    return undefined;
  }
}
