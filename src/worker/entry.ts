import { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Script } from 'node:vm';
import type { start as Start } from './process-main.ts';

/**
 * A worker's first file. It runs the bundle, which lies beside it, from what V8 has kept of an earlier start: to compile it takes
 * 3 ms, and the functions that a start calls 2 more. That is kept in the package's own folder, where whoever can write could
 * as well change the code; where nobody can, each start compiles.
 */

/** The bundle's name, with its digest: see `scripts/bundle.ts`. */
declare const BUNDLE: string;

/** This long after the first task has come the functions that it takes have been called, and are kept too. */
const keepAfterMs = 25;

const path = `${import.meta.dirname}/${BUNDLE}`;
const folder = `${import.meta.dirname}/../../.cache`;
// V8 refuses what was compiled by another version or under other options. What was compiled in another folder has its path in stacks.
const nameOf = (text: string): string => text.replace(/\W+/g, '_');
const options = nameOf([...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ')).slice(0, 80);
const place = nameOf(import.meta.dirname).slice(-80);
const kept = `${folder}/${BUNDLE}-${process.versions.v8}-${process.arch}${place}${options}`;
/**
 * What a worker left that ended before: better than nothing, until another one lives for longer. A `Process` has called by its end
 * what the next one will.
 */
const early = BUNDLE.startsWith('job') ? kept : `${kept}-early`;

const complete = read(kept);
const cachedData = complete ?? read(early);
const script = new Script(readFileSync(path, 'latin1'), {
  filename: path,
  ...(cachedData !== undefined && { cachedData }),
});
const bundle = {} as { readonly start: typeof Start };
const run = script.runInThisContext() as (...context: readonly unknown[]) => void;
run(bundle, process.getBuiltinModule, path, import.meta.dirname);
const isRejected = script.cachedDataRejected === true;
if (cachedData === undefined || isRejected) process.on('exit', keepEarly);
// A script that comes from the cache cannot import: V8 forgets how.
bundle.start(
  async (url, attributes) => import(url, attributes),
  () => {
    if (complete === undefined || isRejected) setTimeout(() => keep(kept), keepAfterMs).unref();
  },
);

function keepEarly(): void {
  keep(early);
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

function keep(file: string): void {
  process.off('exit', keepEarly);
  // Under a name of its own first: others may read, or write theirs, at this moment.
  const partial = `${file}.${Math.random().toString(36).slice(2)}`;
  try {
    mkdirSync(folder, { recursive: true });
    // Asked first: to create the data takes milliseconds.
    accessSync(folder, constants.W_OK);
    const data = script.createCachedData();
    writeFileSync(partial, data);
    renameSync(partial, file);
  } catch {
    // The folder cannot be written to.
  }
}
