import type { ESTree } from 'meriyah';
import { types } from 'node:util';
import { CaptureError } from '../errors.ts';
import type { Code, Reference } from '../wire/forms.ts';
import { globalVariable, isFileless } from './global-variables.ts';
import { isMain } from './main-module.ts';
import { importerReference, importReference, metaReference, requireReference } from './references.ts';
import { nameOf } from './properties.ts';
import type { Callable } from './registry.ts';
import {
  type ComputedKeys,
  definitionTime,
  elements,
  namesHeritage,
  rewrite,
  type Slot,
  staticPrivates,
} from './rewrite.ts';
import type { FreeVariable, Span } from './facts.ts';
import { type Site, textOf } from './source.ts';

/** Which variables a function takes along and how: decided once for each place in the source. */

export type Scopes = ReadonlyArray<Readonly<Record<string, unknown>>>;

export interface Plan {
  readonly site: Site;
  readonly code: Code;
  readonly slots: readonly Slot[];
  /** The free variables behind the slots that are cells. */
  readonly cells: ReadonlyArray<FreeVariable | undefined>;
  readonly hasCells: boolean;
  readonly heritage: boolean;
  readonly keys: ComputedKeys;
}

export type Found = { readonly value: unknown; readonly scope: number } | { readonly error: true } | undefined;

/** The value that a name has in the scopes around a function, or on the global object around those of a program without a file. */
export function lookup({ url }: Site, scopes: Scopes, name: string): Found {
  for (let i = 0; i < scopes.length; i++) {
    const scope = scopes[i]!;
    if (!Object.hasOwn(scope, name)) continue;
    try {
      return { value: scope[name], scope: i };
    } catch {
      return { error: true };
    }
  }
  const found = isFileless(url) ? globalVariable(name) : undefined;
  return found && { ...found, scope: scopes.length };
}

export function valueOf(site: Site, scopes: Scopes, name: string): unknown {
  const found = lookup(site, scopes, name);
  if (found === undefined) {
    throw new CaptureError(
      `Cannot send {path}: its variable "${name}" is not there any more (V8 drops variables that only run at a class's definition use). ` +
        'Pass it as an argument.',
    );
  }
  if ('error' in found) {
    throw uninitialised(name);
  }
  return found.value;
}

function uninitialised(name: string): CaptureError {
  return new CaptureError(
    `Cannot send {path}: its variable "${name}" is not initialised yet. Send the function after that line has run.`,
  );
}

const codes = new WeakMap<Site, Map<string, Code>>();

/** What cannot be sent whatever its variables hold. */
export function refuse({ facts }: Site, name: string): void {
  const called = name === '' ? 'the function' : `the function "${name}"`;
  const stop = (what: string, advice: string): never => {
    throw new CaptureError(`Cannot send {path}: ${called} ${what}. ${advice}`);
  };
  if (facts.usesEval)
    stop('calls eval(), so the variables that it uses are not known', 'Use (0, eval)(text), or do without.');
  if (facts.usesWith) stop('uses "with", so the variables that it uses are not known', 'Take it out.');
  if (facts.kind === 'class') return;
  for (const privateName of facts.privateNames) {
    if (declaresPrivately(facts.node, privateName)) continue;
    stop(
      `uses the private name #${privateName} of a class that it is not sent with`,
      'Send an instance or the class, and call the method there.',
    );
  }
  if (facts.usesSuper && (facts.arrow || facts.member !== undefined))
    stop('uses "super" of an object or class that it is not sent with', 'Send the object, and call the method there.');
  if (facts.usesNewTarget && facts.arrow) stop('uses the "new.target" around it', 'Assign it to a variable first.');
}

function declaresPrivately(node: unknown, name: string): boolean {
  if (Array.isArray(node)) return node.some((item) => declaresPrivately(item, name));
  if (typeof node !== 'object' || node === null) return false;
  const element = node as Partial<ESTree.PropertyDefinition | ESTree.MethodDefinition>;
  if (
    (element.type === 'PropertyDefinition' || element.type === 'MethodDefinition') &&
    element.key?.type === 'PrivateIdentifier' &&
    element.key.name === name
  )
    return true;
  return Object.values(node).some((value) => typeof value === 'object' && declaresPrivately(value, name));
}

export function makePlan(site: Site, fn: Callable, scopes: Scopes): Plan {
  const { facts } = site;
  const isClass = facts.kind === 'class';
  const heritage = isClass && namesHeritage(facts);
  const keys = isClass ? computedKeys(site, fn) : new Map<ESTree.Node, string | symbol>();
  const dead = isClass ? definitionTime(facts, keys) : [];
  const slots: Slot[] = [];
  const cells: Array<FreeVariable | undefined> = [];
  const add = (slot: Slot, variable?: FreeVariable): void => {
    slots.push(slot);
    cells.push(variable);
  };
  for (const variable of facts.free.values()) {
    const mentions = variable.mentions.filter((mention) => !dead.some((at) => within(mention, at)));
    if (mentions.length === 0 || isOwnName(site, variable)) continue;
    const slot = slotFor(site, { ...variable, mentions }, scopes);
    if (slot !== undefined) add(slot, slot.kind === 'cell' ? variable : undefined);
  }
  const alive = (list: readonly Span[]): Span[] => list.filter((at) => !dead.some((other) => within(at, other)));
  const mark = (kind: Slot['kind'], label: string, list: readonly Span[], reference?: Reference): void => {
    const mentions = alive(list).map(({ start, end }) => ({ start, end, role: 'plain' as const, member: undefined }));
    if (mentions.length > 0)
      add(reference === undefined ? { kind, label, mentions } : { kind, label, mentions, reference });
  };
  if (facts.arrow) mark('self', 'this', facts.selves);
  mark('meta', 'import.meta', facts.metas, metaReference(site.url));
  mark('importer', 'import()', facts.dynamicImports, importerReference(site.url));
  if (isClass) for (const name of staticPrivates(facts)) add({ kind: 'private', label: `#${name}`, mentions: [] });
  const code = codeFor(site, slots, nameOf(fn), heritage, keys);
  return { site, code, slots, cells, hasCells: slots.some((slot) => slot.kind === 'cell'), heritage, keys };
}

function within(inner: Span, outer: Span): boolean {
  return inner.start >= outer.start && inner.end <= outer.end;
}

/** A function that names itself: its text does that too. Unless the name was given another value. */
function isOwnName({ facts, root }: Site, { name, binding, written }: FreeVariable): boolean {
  const { node } = facts;
  const own = node.type === 'FunctionDeclaration' && node.id?.name === name;
  return own && (root === undefined ? !written : binding?.kind === 'function' && !binding.written);
}

function slotFor(site: Site, variable: FreeVariable, scopes: Scopes): Slot | undefined {
  const { name, binding, mentions } = variable;
  const base = { label: name, mentions };
  if (binding?.kind === 'import' && binding.scope === site.root) {
    const { specifier, name: imported, attributes } = site.imports.get(name)!;
    if (!leadsToMain(specifier, site.url))
      return { ...base, kind: 'value', reference: importReference(site.url, specifier, imported, attributes) };
  }
  const found = lookup(site, scopes, name);
  if (found === undefined) {
    // No such variable here: a global, which the worker has as well.
    if (binding === undefined || binding.kind === 'own-name') return undefined;
    valueOf(site, scopes, name);
  }
  const value = found !== undefined && 'value' in found ? found.value : undefined;
  // Node 20 gives `undefined` for what is not initialised yet; here that is certain.
  if (found !== undefined && value === undefined && binding?.defined === true && !binding.written)
    throw uninitialised(name);
  // A `var` before its line, and on Node 20 a `const` too: what it will be is not known yet, so it is read at each send.
  const early =
    value === undefined && (binding?.kind === 'var' || binding?.kind === 'const' || binding?.kind === 'let');
  if (name === 'arguments') return { ...base, kind: 'arguments' };
  if (name === 'require' && binding === undefined && isRequire(value))
    return { ...base, kind: 'value', reference: requireReference(site.url) };
  // In the REPL a later line writes it.
  const isGlobal = binding === undefined && found !== undefined && 'scope' in found && found.scope === scopes.length;
  if (early || isGlobal || (binding?.kind !== 'import' && isWritten(site, variable, value)))
    return { ...base, kind: 'cell' };
  const members = isModuleStandIn(value) && mentions.every((mention) => mention.member !== undefined);
  return {
    ...base,
    kind: 'value',
    ...(members && { members: [...new Set(mentions.map((mention) => mention.member!))] }),
  };
}

function leadsToMain(specifier: string, from: string): boolean {
  if (!/^(?:\.{1,2}\/|\/|file:)/.test(specifier) || !from.startsWith('file:')) return false;
  const url = new URL(specifier, from).href;
  return isMain(url) || isMain(url.replace(/\.(m|c)?js$/, '.$1ts'));
}

function isWritten({ root, script }: Site, { name, binding, written }: FreeVariable, value: unknown): boolean {
  if (root !== undefined && binding !== undefined) return binding.written;
  if (written) return true;
  // Without the inspector the values were given by hand, for good.
  if (script === undefined) return false;
  // The rest of the script is not known. What carries its own name is, as good as always, a declaration of that name.
  return !(typeof value === 'function' && value.name === name);
}

function isRequire(value: unknown): boolean {
  return typeof value === 'function' && 'resolve' in value && 'cache' in value;
}

/** What transpilers put in place of a module: only the members that are used go along. */
export function isModuleStandIn(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || types.isModuleNamespaceObject(value)) return false;
  try {
    return Reflect.get(value, Symbol.toStringTag) === 'Module' || Reflect.get(value, '__esModule') === true;
  } catch {
    return false;
  }
}

/**
 * What the computed keys of a class turned out to be. Their expressions are not run again: what they use is gone, and they
 * may have effects. Methods are recognised by their text, which starts with the key.
 */
function computedKeys({ facts, text, base }: Site, fn: Callable): ComputedKeys {
  const keys = new Map<ESTree.Node, string | symbol>();
  const taken = new Set<unknown>();
  for (const element of elements(facts)) {
    if (!('computed' in element) || !element.computed || !element.key || isPlainKey(element.key)) continue;
    if (element.type !== 'MethodDefinition') continue;
    const source = text.slice(element.start! - base, element.end! - base).replace(/^static\s+/, '');
    const holder = (element.static ? fn : Reflect.get(fn, 'prototype')) as object;
    for (const key of Reflect.ownKeys(holder)) {
      const descriptor = Object.getOwnPropertyDescriptor(holder, key)!;
      const method: unknown =
        element.kind === 'get' ? descriptor.get : element.kind === 'set' ? descriptor.set : descriptor.value;
      if (typeof method !== 'function' || taken.has(method) || textOf(method) !== source) continue;
      taken.add(method);
      keys.set(element.key, key);
      break;
    }
  }
  return keys;
}

/** `['name']`, `[1]` and `[Symbol.iterator]` mean the same everywhere. */
function isPlainKey(key: ESTree.Node): boolean {
  if (key.type === 'Literal') return true;
  return (
    key.type === 'MemberExpression' && !key.computed && key.object.type === 'Identifier' && key.object.name === 'Symbol'
  );
}

function codeFor(site: Site, slots: readonly Slot[], name: string, heritage: boolean, keys: ComputedKeys): Code {
  let variants = codes.get(site);
  if (variants === undefined) codes.set(site, (variants = new Map()));
  const variant = [
    ...slots.map((slot) => `${slot.kind} ${slot.label}`),
    ...[...keys.values()].map((key) => (typeof key === 'symbol' ? '@' : `=${key}`)),
  ].join('\n');
  let code = variants.get(variant);
  if (code === undefined) variants.set(variant, (code = rewrite(site, slots, name, heritage, keys)));
  return code;
}

/** The values that a class needs when it is defined. */
export function firstValues(plan: Plan, fn: Callable): unknown[] {
  const symbols = [...plan.keys.values()].filter((key) => typeof key === 'symbol');
  if (!plan.heritage) return symbols;
  const prototype = Reflect.get(fn, 'prototype') as object;
  return [Object.getPrototypeOf(prototype) === null ? null : Object.getPrototypeOf(fn), ...symbols];
}
