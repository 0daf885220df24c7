import { promisify } from 'node:util';
import { impede, isBlocked } from '../blocking/state.ts';
import { BlockingError, InternalError, SerializationError } from '../errors.ts';
import type { Code, FunctionBuilder, PrivateFields, Reference, Shell } from '../wire/forms.ts';
import { detailOf, factoryOf } from './factory.ts';
import { adopt, classOf } from './identity.ts';
import { hiddenIntrinsics } from './hidden-intrinsics.ts';
import { installLoader } from './loaders.ts';
import { importerFor, importFrom, loadModule, loadModuleSync, metaFor, requireFor } from './modules.ts';
import { bareInstance, equipInstance } from './private-fields.ts';
import { recordResolved } from './references.ts';
import { type Callable, type PrivateTools, registry } from './registry.ts';

/** What a reference led to; kept for the thread's life, as modules are. */
type Outcome = { readonly value: unknown } | { readonly error: unknown };

const outcomes = new WeakMap<Reference, Outcome>();

/**
 * Rebuilds functions, classes and references. `from` says where the messages come from: a worker's builder gets them from
 * its host, a host's from its workers.
 */
export function createBuilder({ from }: { from: 'host' | 'worker' }): FunctionBuilder {
  return new Builder(from === 'host');
}

class Builder implements FunctionBuilder {
  readonly #fromHost: boolean;

  constructor(fromHost: boolean) {
    this.#fromHost = fromHost;
  }

  prepare(reference: Reference): Promise<void> | undefined {
    if (!reference.loads) return undefined;
    const before = outcomes.get(reference);
    // A failed import is tried again: the file may be there by now.
    if (before !== undefined && 'value' in before) return undefined;
    if (isBlocked() && loadAtOnce(reference)) return undefined;
    return load(reference).then(
      (value) => keep(reference, value),
      (error: unknown) => void outcomes.set(reference, { error: withModule(error, reference) }),
    );
  }

  resolve(reference: Reference): unknown {
    let outcome = outcomes.get(reference);
    if (outcome === undefined) {
      if (reference.loads) throw new InternalError('A reference was used before it was loaded.');
      outcome = { value: find(reference) };
      keep(reference, outcome.value);
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  instantiate(code: Code, first: readonly unknown[], identity: string | undefined): Shell {
    const existing = identity === undefined ? undefined : classOf(identity);
    if (existing !== undefined) {
      const received = registry.received.get(existing);
      const capture = (values: readonly unknown[]): void => received?.write(values);
      return { value: existing, isOriginal: received === undefined, capture };
    }
    const shell = build(code, first);
    if (identity !== undefined) {
      adopt(shell.value, identity);
      if (this.#fromHost) registry.ofHost.add(identity);
    }
    return shell;
  }

  byIdentity(identity: string): Callable {
    const known = classOf(identity);
    if (known !== undefined) return known;
    throw new SerializationError(
      'Cannot receive {path}: its class was sent from here and does not exist any more.',
      'result',
      '',
    );
  }

  instance(prototype: object): { readonly value: object; fill(fields: PrivateFields): void } {
    return bareInstance(prototype);
  }

  equip(object: object, fields: PrivateFields): void {
    equipInstance(object, fields);
  }
}

function keep(reference: Reference, value: unknown): void {
  outcomes.set(reference, { value });
  // Intrinsics and built-in modules are recognised anyway.
  if (reference['kind'] !== 'intrinsic' && reference['kind'] !== 'builtin') recordResolved(reference, value);
}

function build(code: Code, first: readonly unknown[]): Shell {
  const { kind, name } = detailOf(code);
  if (kind === 'promisify') return fixed(code, first, promisify(first[0] as (callback: never) => void) as Callable);
  if (kind === 'member') return fixed(code, first, walk(first[0], code['path'] as readonly string[]) as Callable);
  const tools: PrivateTools = { on: false };
  const made = factoryOf(code, code['mapped'] === true ? String(first.at(-1)) : undefined)(
    tools,
    first,
    (cell) => cell.v,
  );
  const { value } = made;
  const own = Object.getOwnPropertyDescriptor(value, 'name');
  if (
    own === undefined ? name !== '' : own.value !== name && typeof own.value !== 'function' && own.get === undefined
  ) {
    Object.defineProperty(value, 'name', { value: name, configurable: true });
  }
  registry.received.set(value, { code, first, read: made.read, write: made.write, tools });
  return { value, isOriginal: false, capture: made.write };
}

/** What needs no captured values. */
function fixed(code: Code, first: readonly unknown[], value: Callable): Shell {
  if (!registry.received.has(value))
    registry.received.set(value, { code, first, read: () => [], write: () => undefined, tools: { on: false } });
  return { value, isOriginal: false, capture: () => undefined };
}

/** Loads a module while this thread is blocked, as far as that is possible: otherwise the wait ends with the reason. */
function loadAtOnce(reference: Reference): boolean {
  const { kind, url, path, via } = reference as Reference & Record<'url', string>;
  try {
    const isExport = kind === 'export' || kind === 'namespace';
    if (!isExport || via !== undefined) throw new Error('It takes a loader, or `import()`.');
    const exports = loadModuleSync(url);
    keep(reference, kind === 'export' ? walk(exports, path as readonly string[]) : exports);
    return true;
  } catch (cause) {
    impede(
      new BlockingError(
        `Cannot block: what came needs the module ${url}, which this thread has to load first. Await it.`,
        {
          cause,
        },
      ),
    );
    return false;
  }
}

async function load(reference: Reference): Promise<unknown> {
  if (typeof reference['via'] === 'string') await installLoader(reference['via']);
  const detail = reference as Reference & Record<'url' | 'specifier' | 'name', string>;
  switch (reference['kind']) {
    case 'export':
      return walk(await loadModule(detail.url, reference['esm'] === true), reference['path'] as readonly string[]);
    case 'namespace':
      return loadModule(detail.url, true);
    case 'import': {
      const attributes = reference['attributes'] as Record<string, string> | null;
      const namespace = await importFrom(detail.url, detail.specifier, attributes ?? undefined);
      if (detail.name === '*') return namespace;
      if (!Reflect.has(namespace as object, detail.name)) {
        throw new SyntaxError(
          `The module '${detail.specifier}' (imported by ${detail.url}) has no export named '${detail.name}'.`,
        );
      }
      return Reflect.get(namespace as object, detail.name);
    }
    default:
      return find(reference);
  }
}

/** A syntax error of a module does not say of which one it is. */
function withModule(error: unknown, { url }: Reference): unknown {
  if (!(error instanceof SyntaxError) || typeof url !== 'string') return error;
  const stack = String(error.stack);
  if (!stack.includes(url)) error.stack = stack.replace(/\n|$/, `\n    at loading ${url}\n`);
  return error;
}

/** What needs no loading. */
function find(reference: Reference): unknown {
  const url = reference['url'] as string;
  const path = (reference['path'] ?? []) as readonly string[];
  switch (reference['kind']) {
    case 'intrinsic': {
      const hidden = path.length > 0 ? hiddenIntrinsics()[path[0]!] : undefined;
      return hidden === undefined ? walk(globalThis, path) : walk(hidden, path.slice(1));
    }
    case 'builtin':
      return walk(process.getBuiltinModule(reference['module'] as string), path);
    case 'require':
      return requireFor(url);
    case 'meta':
      return metaFor(url);
    case 'importer':
      return importerFor(url, reference['via'] as string | undefined);
    case 'source-map':
      return reference['text'];
    default:
      throw new InternalError(`A reference of an unknown kind: ${String(reference['kind'])}.`);
  }
}

/** Follows a path of keys; see `intrinsicReference` for how steps are written. */
function walk(start: unknown, path: readonly string[]): unknown {
  let value = start;
  for (const step of path) {
    const accessor = /^(get|set) ([^]+)$/.exec(step);
    const key = keyOf(accessor ? accessor[2]! : step);
    if (accessor) value = Object.getOwnPropertyDescriptor(value, key)?.[accessor[1] as 'get' | 'set'];
    else value = Reflect.get(Object(value) as object, key);
  }
  return value;
}

function keyOf(step: string): string | symbol {
  if (!step.startsWith('@@')) return step;
  return (Reflect.get(Symbol, step.slice(2)) as symbol | undefined) ?? step;
}
