import { pathToFileURL } from 'node:url';
import { createRequire } from '../node-module.ts';
import { importModule } from './import-module.ts';
import { registry } from './registry.ts';

/**
 * TypeScript loaders (tsx and the like) that the host was started with. Workers are started without them, as they cost
 * hundreds of milliseconds each; a reference to a TypeScript module names the loader, and the worker registers it before
 * it imports that module.
 */

const loaderNames = /(?:^|[\\/=])(?:tsx|ts-node|@swc-node[\\/]register|@oxc-node[\\/]core|jiti)(?:[\\/][^=]*)?$/;
let found: string | undefined | null = null;

/** The URL to import for the loader of this program; undefined when it has none. */
export function loaderUrl(): string | undefined {
  if (found === null) found = find(process.execArgv);
  return registry.loader ?? found;
}

function find(execArgv: readonly string[]): string | undefined {
  const named = execArgv.findLast((argument) => loaderNames.test(argument));
  if (named === undefined) return undefined;
  const address = named.replace(/^--[a-z-]+=/, '');
  const tsx = /^(.*[\\/]tsx[\\/]dist)[\\/]/.exec(address)?.[1];
  if (tsx !== undefined) return `${toUrl(tsx)}/esm/api/index.mjs`;
  // By name: found from the working folder, as Node does for `--import`.
  const require = createRequire(`${process.cwd()}/`);
  try {
    // `require` gives the CommonJS form of tsx's interface, which cannot register hooks for modules.
    if (/^tsx(?:[\\/]|$)/.test(address)) return toUrl(require.resolve('tsx/esm/api').replace(/\.cjs$/, '.mjs'));
    return toUrl(address.startsWith('file:') ? address : require.resolve(address));
  } catch {
    return undefined;
  }
}

function toUrl(address: string): string {
  return address.startsWith('file:') ? address : pathToFileURL(address).href;
}

let installing: Promise<void> | undefined;

/** Registers a loader in this thread, once. */
export async function installLoader(url: string): Promise<void> {
  // In a nested pool this thread is the host, and names the loader in its turn.
  registry.loader = url;
  installing ??= install(url);
  return installing;
}

async function install(url: string): Promise<void> {
  const api = (await importModule(url)) as { register?: () => unknown };
  if (!url.endsWith('/esm/api/index.mjs')) return;
  // tsx hooks the main thread only (before Node 22), but for this interface.
  api.register?.();
  const commonJs = (await importModule(new URL('../../cjs/api/index.mjs', url).href)) as { register?: () => unknown };
  commonJs.register?.();
}
