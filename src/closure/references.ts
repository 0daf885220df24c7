import { isBuiltin } from '../node-module.ts';
import type { Plain, Reference } from '../wire/forms.ts';
import { loaderUrl } from './loaders.ts';
import { registry } from './registry.ts';

/** References, one object for each distinct one: the codec sends each once and then calls it by number. */

const interned = new Map<string, Reference>();
const known = new WeakSet<object>();

function intern(detail: Record<string, Plain>, loads: boolean): Reference {
  const key = JSON.stringify(detail);
  let reference = interned.get(key);
  if (reference === undefined) {
    reference = Object.freeze({ define: 'reference', loads, ...detail }) as Reference;
    interned.set(key, reference);
    known.add(reference);
  }
  return reference;
}

/** True for a reference that stands for a captured variable: the codec then asks for its reference, which is itself. */
export function isReference(object: object): object is Reference {
  return known.has(object);
}

/** The same reference after it was kept as plain data within a piece of code. */
export function internAgain(plain: Reference): Reference {
  const { define: _, loads, ...detail } = plain;
  return intern(detail, loads);
}

/** What a module in TypeScript needs to be loaded. Others are loaded without it: it takes its time to start. */
function loaderFor(...addresses: readonly string[]): Record<string, string> {
  if (!addresses.some((address) => /\.[cm]?tsx?(?:[?#]|$)/.test(address))) return {};
  const via = loaderUrl();
  return via === undefined ? {} : { via };
}

/** A step of a path is a key; a well-known symbol is written `@@iterator`, a getter or setter `get ` or `set ` and the key. */
export function intrinsicReference(path: readonly string[]): Reference {
  return intern({ kind: 'intrinsic', path }, false);
}

export function builtinReference(module: string, path: readonly string[]): Reference {
  return intern({ kind: 'builtin', module, path }, false);
}

/** A member of a module: `url` is where it was loaded from. */
export function exportReference(url: string, path: readonly string[], esm: boolean): Reference {
  return intern({ kind: 'export', url, path, esm, ...loaderFor(url) }, true);
}

/** The `require` of a CommonJS file. */
export function requireReference(url: string): Reference {
  return intern({ kind: 'require', url }, false);
}

/** The `import.meta` of a module, and its `import()`. */
export function metaReference(url: string): Reference {
  return intern({ kind: 'meta', url }, false);
}

export function importerReference(url: string): Reference {
  return intern({ kind: 'importer', url, ...loaderFor(url) }, false);
}

/** `import { name } from 'specifier'` as it stands in the module `url`; `*` is the namespace. */
export function importReference(
  url: string,
  specifier: string,
  name: string,
  attributes?: Readonly<Record<string, string>>,
): Reference {
  if (isBuiltin(specifier)) {
    const module = specifier.startsWith('node:') ? specifier : `node:${specifier}`;
    if (name !== '*') return builtinReference(module, name === 'default' ? [] : [name]);
    return intern({ kind: 'namespace', url: module }, true);
  }
  return intern(
    { kind: 'import', url, specifier, name, attributes: attributes ?? null, ...loaderFor(url, specifier) },
    true,
  );
}

/** The text of a source map, which the receiver keeps. */
export function sourceMapReference(text: string): Reference {
  return intern({ kind: 'source-map', text }, false);
}

export function namespaceReference(url: string): Reference {
  return intern({ kind: 'namespace', url, ...loaderFor(url) }, true);
}

/** Remembers where a value came from, so that it goes on by the same reference. */
export function recordResolved(reference: Reference, value: unknown): void {
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
    if (!registry.resolved.has(value)) registry.resolved.set(value, internAgain(reference));
  }
}
