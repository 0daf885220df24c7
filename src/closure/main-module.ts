import { realpathSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createRequire } from '../node-module.ts';
import { registry } from './registry.ts';

let found: string | undefined | null = null;

/** The URL of the user's main program, in a worker too; undefined for `-e`, stdin and the REPL. */
export function mainUrl(): string | undefined {
  if (registry.main !== undefined) return registry.main === '' ? undefined : registry.main;
  if (found === null) found = find();
  return found;
}

function find(): string | undefined {
  const path = process.argv[1];
  if (path === undefined || path === '') return undefined;
  // After `-e` it is an argument of the program. A thread that was made from text has an `_eval` as well.
  if ('_eval' in process && process.getBuiltinModule('node:worker_threads').isMainThread) return undefined;
  try {
    // `node app` may mean app.js or app/index.js.
    return pathToFileURL(realpathSync(createRequire(`${process.cwd()}/`).resolve(path))).href;
  } catch {
    try {
      return pathToFileURL(realpathSync(path)).href;
    } catch {
      return undefined;
    }
  }
}

export function isMain(url: string): boolean {
  const main = mainUrl();
  if (main === undefined || !url.startsWith('file:')) return false;
  // A loader may have put a query behind the name (tsx does).
  if (url === main || url.replace(/[?#].*$/, '') === main) return true;
  try {
    return pathToFileURL(realpathSync(fileURLToPath(url))).href === main;
  } catch {
    return false;
  }
}
