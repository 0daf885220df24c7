import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { types } from 'node:util';
import type { Reference } from '../wire/forms.ts';
import { inspect, type Insight, type Script, scriptOf } from './inspector.ts';
import { builtinOf } from './intrinsics.ts';
import { isMain } from './main-module.ts';
import { exportReference, namespaceReference } from './references.ts';
import type { Callable } from './registry.ts';
import { factsOf, siteOf } from './source.ts';

/** Finds what modules export, synchronously, so that it goes by reference. */

const require = createRequire(import.meta.url);
const found = new WeakMap<object, Reference>();
/** The modules whose exports are known. */
const modules = new Set<string>();

export function exportOf(value: object): Reference | undefined {
  return found.get(value);
}

/** The reference of a function that a script defines, when that script is a module that exports it. */
export function findExport(script: Script, fn: Callable, insight: Insight): Reference | undefined {
  const before = found.get(fn);
  if (before !== undefined) return before;
  if (!script.url.startsWith('file:') || !script.isDefault || isMain(script.url)) return undefined;
  if (!modules.has(script.url)) {
    const exports = script.isModule ? requireModule(script.url) : loadedCommonJs(script.url);
    if (isObject(exports)) {
      modules.add(script.url);
      index(script.url, exports, script.isModule);
    } else if (script.isModule) findInScope(script, fn, insight);
  }
  return found.get(fn);
}

/**
 * The exports of a module that `require` must not or cannot give (loaders, top-level await): its text tells which
 * variables it exports, and any function of it sees them.
 */
function findInScope(script: Script, fn: Callable, insight: Insight): void {
  const facts = factsOf(fn, insight.location!, script);
  if (facts === undefined) return;
  const scope = insight.scopes().at(-1);
  // A module that waits at its top level and uses pools is a program, perhaps still running: a worker must not run it too.
  const isProgram =
    facts.awaits && [...facts.imports.values()].some(({ specifier }) => /^manycore(?:\/|$)/.test(specifier));
  if (scope === undefined || isProgram) return;
  const exports: Record<string, unknown> = {};
  let complete = true;
  for (const [name, variable] of facts.exports) {
    try {
      exports[name] = scope[variable];
    } catch {
      complete = false;
    }
  }
  // Still being evaluated.
  if (!complete) return;
  index(script.url, exports, true, false);
  const { defaultExport } = facts;
  if (defaultExport === undefined) {
    modules.add(script.url);
    return;
  }
  const own = siteOf(fn, insight.location!, script).facts;
  if (own.start === defaultExport.start && own.end === defaultExport.end)
    found.set(fn, exportReference(script.url, ['default'], true));
}

/** Without the inspector a function does not tell its script: all loaded modules that `require` knows are looked at. */
export function findLoadedExport(fn: Callable): Reference | undefined {
  for (const [file, module] of Object.entries(require.cache)) {
    const url = pathToFileURL(file).href;
    if (module === undefined || !module.loaded || modules.has(url) || !isObject(module.exports) || isMain(url))
      continue;
    modules.add(url);
    index(url, module.exports, types.isModuleNamespaceObject(module.exports));
  }
  return found.get(fn);
}

/** A namespace object of a module. Which one is found through a function that it exports. */
export function findNamespace(namespace: object): Reference | undefined {
  const before = found.get(namespace);
  if (before !== undefined) return before;
  const whole = read(namespace, 'default');
  const builtin = isObject(whole) ? builtinOf(whole) : undefined;
  if (builtin !== undefined && (builtin['path'] as readonly string[]).length === 0) {
    found.set(namespace, namespaceReference(builtin['module'] as string));
    return found.get(namespace);
  }
  for (const key of Object.keys(namespace)) {
    const value = read(namespace, key);
    if (typeof value !== 'function') continue;
    const insight = inspect(value);
    const script = insight.location && scriptOf(insight.location.scriptId);
    if (script === undefined || findExport(script, value as Callable, insight) === undefined) continue;
    if (found.has(namespace)) return found.get(namespace);
    // Not indexed by its namespace (see `findInScope`): it is the one that has this function under its name.
    const reference = found.get(value)!;
    if (reference['url'] !== script.url || (reference['path'] as readonly string[])[0] !== key) continue;
    found.set(namespace, namespaceReference(script.url));
    return found.get(namespace);
  }
  return undefined;
}

let cached = -1;

/** Takes up the CommonJS modules that were loaded since the last time: their exports, when they are objects, go by reference. */
export function refreshCommonJs(): void {
  const files = Object.keys(require.cache);
  if (files.length === cached) return;
  cached = files.length;
  for (const file of files) {
    const module = require.cache[file]!;
    const url = pathToFileURL(file).href;
    const exports: unknown = module.exports;
    if (!module.loaded || !isObject(exports) || found.has(exports) || isMain(url)) continue;
    if (types.isModuleNamespaceObject(exports)) found.set(exports, namespaceReference(url));
    else if (!types.isProxy(exports)) found.set(exports, exportReference(url, [], false));
  }
}

function loadedCommonJs(url: string): unknown {
  const module = require.cache[fileURLToPath(url)];
  return module?.loaded === true ? module.exports : undefined;
}

/**
 * The namespace of a module that is loaded already: `require` gives the very same instance. Not where a loader has
 * replaced what `require` does with a file (tsx): it would run the module a second time, as CommonJS.
 */
function requireModule(url: string): unknown {
  if (!/\.m?js$/.test(url) || isRequirePatched()) return undefined;
  const emit = process.emitWarning;
  process.emitWarning = () => undefined;
  try {
    return require(fileURLToPath(url));
  } catch {
    // Still loading, or with a top-level await, or a Node without `require` of modules.
    return undefined;
  } finally {
    process.emitWarning = emit;
  }
}

function isRequirePatched(): boolean {
  const load: unknown = require.extensions['.js'];
  if (typeof load !== 'function') return true;
  const { location } = inspect(load);
  return location === undefined || scriptOf(location.scriptId)?.url.startsWith('node:') !== true;
}

/** The exports, one level of their members, and the methods of exported classes. */
function index(url: string, exports: object, esm: boolean, whole: boolean = true): void {
  const put = (value: unknown, path: readonly string[]): void => {
    if (isObject(value) && !found.has(value)) found.set(value, exportReference(url, path, esm));
  };
  if (whole && esm) found.set(exports, namespaceReference(url));
  else if (whole) put(exports, []);
  for (const key of ownStrings(exports)) {
    const value = read(exports, key);
    put(value, [key]);
    if (!isObject(value) || types.isProxy(value)) continue;
    for (const inner of ownStrings(value)) {
      const member: unknown = Object.getOwnPropertyDescriptor(value, inner)?.value;
      if (typeof member === 'function') put(member, [key, inner]);
      if (inner !== 'prototype' || !isObject(member)) continue;
      for (const method of ownStrings(member)) {
        const own: unknown = Object.getOwnPropertyDescriptor(member, method)?.value;
        if (typeof own === 'function' && method !== 'constructor') put(own, [key, inner, method]);
      }
    }
  }
}

function ownStrings(object: object): string[] {
  return Reflect.ownKeys(object).filter((key) => typeof key === 'string');
}

/** Getters of transpiled modules are enumerable; others are none of our business. */
function read(object: object, key: string): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(object, key);
  if (descriptor?.get !== undefined && !descriptor.enumerable) return undefined;
  try {
    return Reflect.get(object, key);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
