import { types } from 'node:util';
import { CaptureError } from '../errors.ts';
import type { FunctionForm } from '../wire/forms.ts';
import { NodeInternalError } from '../wire/unsendable.ts';
import { explicitOf } from './explicit.ts';
import { exportOf, findExport, findLoadedExport } from './exports.ts';
import { identityOf } from './identity.ts';
import {
  inspect,
  type Insight,
  inspectorFailure,
  isInspectable,
  mainGlobal,
  type Script,
  scriptOf,
} from './inspector.ts';
import { builtinOf, intrinsicOf, refreshBuiltins } from './intrinsics.ts';
import { enter, type Live } from './live.ts';
import { memberOf, memberParts, recordMembers, specialParts } from './members.ts';
import { functionParent, hasBarePrototype, nameOf } from './properties.ts';
import { internAgain, sourceMapReference } from './references.ts';
import { type Callable, type Received, registry } from './registry.ts';
import { firstValues, makePlan, type Plan, refuse, type Scopes, valueOf } from './slots.ts';
import { type Site, siteOf, siteOfText, textOf } from './source.ts';

/** What a function turned out to be; found once for each function. */
export type Entry = Fixed | Captured | Again;

/** Always the same form. */
export interface Fixed {
  readonly kind: 'fixed';
  readonly form: FunctionForm;
  /** Needs nothing but itself: no values of this thread. */
  readonly constant: boolean;
}

/** By value. */
export interface Captured {
  readonly kind: 'captured';
  readonly plan: Plan;
  /** The values of the slots that never change; those of cells and stand-ins are read at each send. */
  readonly fixed: readonly unknown[];
  readonly first: readonly unknown[];
  readonly identity: string | undefined;
  readonly live: Live;
  /** The form, when nothing about it can change and the function owns nothing. */
  form: FunctionForm | undefined;
  constant: boolean | undefined;
}

/** Received by value, sent on from what it was made from. */
export interface Again {
  readonly kind: 'again';
  readonly received: Received;
  readonly identity: string | undefined;
}

const plans = new WeakMap<Site, Plan>();
/** Plans of functions without free variables, by their text: the next one with the same text is not even inspected. */
const pure = new Map<string, Entry>();
const maxPure = 2048;
const nobody = (): void => undefined;

// Globals that nobody shadows. With any other a look at the scopes is needed: `Map` may be one of immutable.js.
const universal = new Set([
  'undefined',
  'NaN',
  'Infinity',
  'globalThis',
  'Math',
  'JSON',
  'Reflect',
  'Atomics',
  'parseInt',
  'parseFloat',
  'isNaN',
]);
const maxPureLength = 16 * 1024;

export function study(fn: Callable): Entry {
  const received = registry.received.get(fn);
  if (received !== undefined) {
    const isClass = received.code['kind'] === 'class';
    if (isClass) recordMembers(fn);
    return { kind: 'again', received, identity: isClass ? identityOf(fn) : registry.identities.get(fn) };
  }
  const reference = knownReference(fn);
  if (reference !== undefined) return { kind: 'fixed', form: { form: 'reference', reference }, constant: true };
  if (types.isProxy(fn)) throw new CaptureError('Cannot send {path}: it is a Proxy. Send what it stands for.');
  const member = memberOf(fn);
  if (member !== undefined)
    return { kind: 'fixed', form: { form: 'parts', parts: memberParts(member) }, constant: false };
  if (!isInspectable()) {
    const loaded = findLoadedExport(fn);
    if (loaded !== undefined) return { kind: 'fixed', form: { form: 'reference', reference: loaded }, constant: true };
  }
  const text = textOf(fn);
  const site = text.endsWith('{ [native code] }') ? undefined : pureSite(fn, text);
  if (site !== undefined) {
    const before = pure.get(text);
    if (before !== undefined) return before;
    const entry = isInspectable() ? look(fn) : capture(fn, site, []);
    if (entry.kind !== 'captured') return entry;
    if (pure.size >= maxPure) pure.clear();
    // Nothing of it is read again; the function itself would keep all that was around it where it was made.
    const kept = { ...entry, live: { ...entry.live, fn: nobody, fresh: undefined } };
    pure.set(text, kept);
    return kept;
  }
  const given = explicitOf(fn);
  if (given !== undefined) {
    const alone = siteOfText(fn);
    if (alone !== undefined) return capture(fn, alone, [given]);
  }
  if (isInspectable()) return look(fn);
  throw uninspectable(fn);
}

function knownReference(fn: Callable): ReturnType<typeof intrinsicOf> {
  const resolved = registry.resolved.get(fn);
  if (resolved !== undefined) return resolved;
  refreshBuiltins();
  return intrinsicOf(fn, mainGlobal) ?? builtinOf(fn) ?? exportOf(fn);
}

/** The site of a function whose text says all there is to know about it. */
function pureSite(fn: Callable, text: string): Site | undefined {
  if (text.length > maxPureLength || text.startsWith('class')) return undefined;
  const site = siteOfText(fn);
  if (site === undefined) return undefined;
  const { facts } = site;
  const plain =
    facts.metas.length === 0 &&
    facts.dynamicImports.length === 0 &&
    facts.privateNames.size === 0 &&
    !facts.usesSuper &&
    !facts.usesNewTarget &&
    !facts.usesEval &&
    !facts.usesWith &&
    facts.selves.length === 0 &&
    [...facts.free.values()].every(({ name, written }) => universal.has(name) && !written);
  // Constructors have more to them than their text: who makes instances with them wants to find their class again.
  return plain && hasBarePrototype(fn) && functionParent(fn) === undefined ? site : undefined;
}

function look(fn: Callable): Entry {
  const insight = inspect(fn);
  if (insight.bound !== undefined) return boundForm(insight.bound);
  if (insight.location === undefined) {
    throw new CaptureError(
      `Cannot send {path}: "${fn.name}" is a native function that no global and no built-in module leads to. Use it inside the function.`,
    );
  }
  const script = scriptOf(insight.location.scriptId);
  if (script === undefined)
    throw new CaptureError(`Cannot send {path}: the source of the function "${fn.name}" is not known.`);
  const reference = findExport(script, fn, insight);
  if (reference !== undefined) return { kind: 'fixed', form: { form: 'reference', reference }, constant: true };
  if (script.url.startsWith('node:')) return internal(fn, script, insight);
  const site = siteOf(fn, insight.location, script);
  return capture(fn, site, insight.scopes());
}

function boundForm({ target, self, args }: NonNullable<Insight['bound']>): Fixed {
  if (typeof self === 'object' && self !== null) recordClasses(self);
  return { kind: 'fixed', form: { form: 'bound', target, self, args }, constant: false };
}

/** Makes the methods of an object's classes known as such, where those go by value. */
function recordClasses(object: object): void {
  for (
    let at = Object.getPrototypeOf(object) as object | null;
    at !== null;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    const constructor: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value;
    if (typeof constructor !== 'function' || !textOf(constructor).startsWith('class')) continue;
    if (registry.received.has(constructor) || entryOf(constructor as Callable).kind === 'captured')
      recordMembers(constructor as Callable);
  }
}

function internal(fn: Callable, script: Script, insight: Insight): Entry {
  if (script.url === 'node:internal/util') {
    const original = insight.scopes().find((scope) => Object.hasOwn(scope, 'original'))?.['original'];
    if (typeof original === 'function') {
      return { kind: 'fixed', form: { form: 'parts', parts: specialParts('promisify', [original]) }, constant: false };
    }
  }
  throw new NodeInternalError(
    `Cannot send {path}: "${fn.name}" is an internal function of Node (${script.url}). Call it inside the function.`,
  );
}

function capture(fn: Callable, site: Site, scopes: Scopes): Captured {
  const isClass = site.facts.kind === 'class';
  refuse(site, nameOf(fn));
  let plan = plans.get(site);
  // The keys and the heritage of a class may differ each time its definition runs.
  if (plan === undefined || isClass) plans.set(site, (plan = makePlan(site, fn, scopes)));
  const fixed = plan.slots.map((slot) => {
    if (slot.reference !== undefined) return slot.reference;
    if (slot.kind === 'self') return enter(site, fn, 'this');
    return slot.kind === 'cell' || slot.kind === 'private' || slot.members !== undefined
      ? undefined
      : valueOf(site, scopes, slot.label);
  });
  if (isClass) recordMembers(fn);
  return {
    kind: 'captured',
    plan,
    fixed,
    first: [...(isClass ? firstValues(plan, fn) : []), ...sourceMapOf(plan)],
    identity: isClass ? identityOf(fn) : undefined,
    live: { fn, plan, fresh: scopes, uses: 0, accessor: undefined },
    form: undefined,
    constant: undefined,
  };
}

/** A source map within the script's text can be large, and all functions of the script share it: it is sent once. */
function sourceMapOf({ code, site }: Plan): unknown[] {
  return code['mapped'] === true ? [sourceMapReference(site.script!.sourceMap)] : [];
}

function uninspectable(fn: Callable): CaptureError {
  const why = inspectorFailure()?.message ?? 'it is switched off';
  return new CaptureError(
    `Cannot send {path}: the function "${fn.name}" uses variables from outside it, and reading those needs Node's inspector (${why}). ` +
      'Allow it (--allow-inspector under the permission model), export the function from a module, or use capture(fn, { captured }).',
  );
}

const entries = new WeakMap<object, Entry>();

export function entryOf(fn: Callable): Entry {
  let entry = entries.get(fn);
  if (entry === undefined) entries.set(fn, (entry = study(fn)));
  return entry;
}

/** What something received needs first, in the form in which it came. */
export function receivedFirst({ code, first }: Received): readonly unknown[] {
  return code['mapped'] === true ? [...first.slice(0, -1), sourceMapReference(String(first.at(-1)))] : first;
}

/** The captured values of something received, with what the receiver finds by itself as references again. */
export function receivedValues({ code, read }: Received): readonly unknown[] {
  const references = code['references'] as
    | ReadonlyArray<readonly [number, Parameters<typeof internAgain>[0]]>
    | undefined;
  const values = [...read()];
  for (const [i, reference] of references ?? []) values[i] = internAgain(reference);
  return values;
}
