import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileFunction, constants } from 'node:vm';
import { createRequire, isBuiltin } from '../node-module.ts';
import { unbroken, unbrokenAsync } from '../unbroken.ts';
import { importModule } from './import-module.ts';
import { installLoader } from './loaders.ts';
import { guardMain } from './main-stub.ts';
import type { Importer } from './registry.ts';

/** Importing on behalf of code that stood elsewhere: with its original file as the referrer, through all loader hooks. */

const importers = new Map<string, Importer>();

/** What `import(specifier)` gives in the module `from`. */
export async function importFrom(
  from: string,
  specifier: string,
  attributes?: Readonly<Record<string, string>>,
): Promise<unknown> {
  const options = attributes ? { with: attributes } : undefined;
  if (/^(?:node:|data:)/.test(specifier) || isBuiltin(specifier)) return importModule(specifier, options);
  guardMain(from, specifier);
  if (specifier.startsWith('file:')) return importModule(specifier, options);
  // Relative to a JavaScript file no resolution is needed. TypeScript loaders map names, so they must see the original.
  if (/^\.{0,2}\//.test(specifier) && from.startsWith('file:') && !/\.[cm]?tsx?$/.test(from)) {
    return importModule(new URL(specifier, from).href, options);
  }
  return unbrokenAsync(() => quietly(() => importerOf(from)(specifier, options)));
}

function importerOf(from: string): Importer {
  // Without a file of its own, from the working folder.
  const filename = from.startsWith('file:') ? from : `${pathToFileURL(process.cwd()).href}/[eval]`;
  let importer = importers.get(filename);
  if (importer === undefined) {
    importer = compileFunction('return import(specifier,options)', ['specifier', 'options'], {
      filename,
      // A bare specifier is resolved from the folder of `filename`, by the loader that this thread uses for its own modules.
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER as never,
    }) as unknown as Importer;
    importers.set(filename, importer);
  }
  return importer;
}

/** Without the warnings that this is experimental. */
function quietly<T>(work: () => T): T {
  const emit = process.emitWarning;
  process.emitWarning = (warning: string | Error, ...rest: never[]) => {
    if (!/USE_MAIN_CONTEXT_DEFAULT_LOADER|using require\(\)/.test(String(warning)))
      emit.call(process, warning, ...rest);
  };
  try {
    return work();
  } finally {
    process.emitWarning = emit;
  }
}

/** The exports of a module by its own URL. */
export async function loadModule(url: string, esm: boolean): Promise<unknown> {
  guardMain(url, url);
  if (esm) return importModule(url);
  return unbroken((): unknown => createRequire(url)(fileURLToPath(url)));
}

/** The same without waiting. An ES module that awaits at its top level cannot be had so. */
export function loadModuleSync(url: string): unknown {
  guardMain(url, url);
  return unbroken(() => quietly(() => createRequire(url)(fileURLToPath(url)) as unknown));
}

/** The `import()` of a module. */
export function importerFor(url: string, loader: string | undefined): Importer {
  return async (specifier, options) => {
    const attributes = options?.with;
    if (loader !== undefined) await installLoader(loader);
    return importFrom(url, String(specifier), attributes);
  };
}

/** The `require` of a CommonJS file. Without a file of its own, one that resolves from the working folder. */
export function requireFor(url: string): NodeJS.Require {
  return createRequire(url.startsWith('file:') ? url : `${process.cwd()}/`);
}

/** The `import.meta` of a module. */
export function metaFor(url: string): object {
  const filename = url.startsWith('file:') ? fileURLToPath(url.replace(/[?#].*$/, '')) : undefined;
  const resolve = (specifier: string): string => {
    if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`;
    if (/^(?:\.{0,2}\/|[a-z][a-z+.-]+:)/.test(specifier)) return new URL(specifier, url).href;
    return resolveBare(url, specifier);
  };
  return { dirname: filename?.replace(/[\\/][^\\/]*$/, ''), filename, main: false, resolve, url };
}

function resolveBare(url: string, specifier: string): string {
  // The second parameter of `import.meta.resolve` needs a flag; the resolution of `require` differs only in conditions.
  const path = requireFor(url).resolve(specifier);
  return process.getBuiltinModule('node:url').pathToFileURL(path).href;
}
