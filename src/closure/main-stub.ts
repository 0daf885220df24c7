import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createRequire, nodeModule } from '../node-module.ts';
import { mainUrl } from './main-module.ts';
import { registry } from './registry.ts';
import { stubSource, unusable } from './stub-source.ts';

/**
 * In a worker the user's main program must never run, not even when a module that is imported there imports it. Its URL
 * gives a stub: the same exports, each of which throws when it is used.
 */

interface Hooks {
  registerHooks?(hooks: object): unknown;
}

let guarded = false;
const scanned = new Map<string, boolean>();

/** Called before anything is imported for the user. */
export function guardMain(from: string, specifier: string): void {
  if (guarded || registry.main === undefined) return;
  const main = mainUrl();
  if (main === undefined) {
    guarded = true;
    return;
  }
  guardRequire(main);
  const { registerHooks } = nodeModule() as Hooks;
  if (registerHooks !== undefined) {
    guarded = true;
    registerHooks({
      load(url: string, context: object, next: (url: string, context: object) => { source?: unknown }) {
        if (withoutQuery(url) !== main) return next(url, context);
        const source = stubSource(sourceText(next(url, context).source, main), main);
        return { format: 'module', source, shortCircuit: true };
      },
    });
  } else if (reaches(resolve(from, specifier), main)) {
    guarded = true;
    registerAsynchronously(main);
  }
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, '');
}

/** A CommonJS main: its place in the cache of `require` is taken, on every version of Node. */
function guardRequire(main: string): void {
  const file = fileURLToPath(main);
  const require = createRequire(main);
  if (!/\.c?[jt]s$/.test(file) || require.cache[file] !== undefined) return;
  const stub = { id: file, filename: file, loaded: true, children: [], paths: [], exports: unusable('main', main) };
  require.cache[file] = stub as unknown as NodeJS.Module;
}

function sourceText(source: unknown, main: string): string {
  if (typeof source === 'string') return source;
  if (source instanceof Uint8Array) return new TextDecoder().decode(source);
  return readFileSync(fileURLToPath(main), 'utf8');
}

/** Before `registerHooks` (Node 20) hooks cost a thread, so they are set up only when a module really imports main. */
function registerAsynchronously(main: string): void {
  const source = stubSource(readFileSync(fileURLToPath(main), 'utf8'), main);
  const hooks = `
    const main = ${JSON.stringify(main)}, source = ${JSON.stringify(source)};
    export async function load(url, context, next) {
      return url.replace(/[?#].*$/, '') === main ? { format: 'module', source, shortCircuit: true } : next(url, context);
    }`;
  nodeModule().register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}

/** Whether a module's files, outside node_modules, import `main`. Specifiers are found by their look: too many do no harm. */
function reaches(url: string | undefined, main: string): boolean {
  if (url === undefined || !url.startsWith('file:') || url.includes('/node_modules/')) return false;
  const file = withoutQuery(url);
  if (file === main) return true;
  const before = scanned.get(file);
  if (before !== undefined) return before;
  scanned.set(file, false);
  let text: string;
  try {
    text = readFileSync(fileURLToPath(file), 'utf8');
  } catch {
    return false;
  }
  for (const [, specifier] of text.matchAll(
    /(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*['"](\.{1,2}\/[^'"]+)['"]/g,
  )) {
    if (!reaches(resolve(file, specifier!), main)) continue;
    scanned.set(file, true);
    return true;
  }
  return false;
}

function resolve(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('file:')) return specifier;
  if (!/^\.{0,2}\//.test(specifier) || !from.startsWith('file:')) return undefined;
  const url = new URL(specifier, from).href;
  // The usual rewriting of TypeScript loaders, and of CommonJS.
  for (const candidate of [url, url.replace(/\.(m|c)?js$/, '.$1ts'), `${url}.js`, `${url}.ts`, `${url}/index.js`]) {
    try {
      readFileSync(fileURLToPath(candidate));
      return candidate;
    } catch {
      // The next spelling.
    }
  }
  return undefined;
}
