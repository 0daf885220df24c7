import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManycoreError } from '../errors.ts';

/** As in package.json, which a bundle does not have. */
const ownVersion = '0.1.0';

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
    const manifest = installedFor(from);
    if (manifest === undefined) continue;
    const installed = join(dirname(manifest), 'dist', 'worker', name);
    if (!existsSync(installed)) continue;
    checkVersion(manifest);
    return installed;
  }
  throw new ManycoreError(
    `Cannot find manycore's ${name}. When you bundle your program, mark manycore as external and install it beside the bundle.`,
  );
}

/** The package.json of the package that a file's imports find. */
function installedFor(file: string | undefined): string | undefined {
  try {
    return createRequire(file!).resolve('manycore/package.json');
  } catch {
    // Not installed where this program lies.
    return undefined;
  }
}

/** Both sides have to be the same build: what goes between them says nothing of its version. */
function checkVersion(manifest: string): void {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  if (version !== ownVersion)
    throw new ManycoreError(
      `This program was bundled with manycore ${ownVersion}, and beside it manycore ${version} is installed. Bundle it again, or install ${ownVersion}.`,
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
