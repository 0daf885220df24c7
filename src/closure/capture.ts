import type { FunctionForm, FunctionParts, FunctionReader, PrivateFields, Reference } from '../wire/forms.ts';
import { CellTable } from './cells.ts';
import { exportOf, findNamespace, refreshCommonJs } from './exports.ts';
import { identityOf } from './identity.ts';
import { isConnected, isInspectable, mainGlobal, privateFields, release, withDebugger } from './inspector.ts';
import { builtinOf, intrinsicOf, refreshBuiltins } from './intrinsics.ts';
import { type Live, type Reading, readLive } from './live.ts';
import { openClass } from './original-class.ts';
import { privatesOf } from './private-reading.ts';
import {
  functionParent,
  hasBarePrototype,
  isConstructor,
  nameOf,
  ownProperties,
  prototypeParent,
  prototypeProperties,
} from './properties.ts';
import { isReference } from './references.ts';
import { type Callable, registry } from './registry.ts';
import { standIn } from './stand-ins.ts';
import { type Again, type Captured, type Entry, entryOf, receivedFirst, receivedValues } from './study.ts';
import { loadParser } from './syntax.ts';
import { types } from 'node:util';

/** A reader of functions for messages `toward` a worker, or back to the host that made this worker. */
export function createReader({ toward }: { toward: 'worker' | 'host' }): FunctionReader {
  return new Reader(toward === 'host');
}

/**
 * Loads what capturing needs, so that the first capture does not have to: parser, inspector, and the debugger's first
 * look at all scripts (25 to 120 ms, which overlap with the start of the workers).
 */
export function warmUp(): void {
  loadParser();
  refreshBuiltins();
  intrinsicOf(warmUp, mainGlobal);
  if (!isInspectable()) return;
  withDebugger(() => undefined);
  const sample = { value: 0 };
  entryOf(() => sample.value);
}

registry.openClass = (constructor) =>
  openClass(constructor, (one) => {
    const entry = entryOf(one);
    return entry.kind === 'captured' ? entry.plan.site : undefined;
  });

class Reader implements FunctionReader {
  readonly #towardHost: boolean;
  readonly #cells = new CellTable();
  readonly #standIns = new Map<object, Record<string, unknown>>();
  /** Whether the tables of what goes by reference are up to date within this message. */
  #refreshed = false;

  constructor(towardHost: boolean) {
    this.#towardHost = towardHost;
  }

  begin(): void {
    this.#refreshed = false;
  }

  end(): void {
    this.#cells.clear();
    if (this.#standIns.size > 0) this.#standIns.clear();
    if (isConnected()) release();
  }

  formOf(fn: Callable): FunctionForm {
    const entry = entryOf(fn);
    switch (entry.kind) {
      case 'fixed':
        return entry.form;
      case 'captured':
        return this.#captured(fn, entry);
      case 'again':
        return this.#again(fn, entry);
    }
  }

  #isHosts(identity: string | undefined): identity is string {
    return this.#towardHost && identity !== undefined && registry.ofHost.has(identity);
  }

  #captured(fn: Callable, entry: Captured): FunctionForm {
    const { plan, fixed } = entry;
    const { arrow, kind } = plan.site.facts;
    const isClass = kind === 'class';
    const identity = isClass ? entry.identity : constructorIdentity(fn);
    if (this.#isHosts(identity)) return { form: 'identity', identity };
    if (entry.form !== undefined && ownsNothing(fn, plan.code['name'] as string)) return entry.form;
    const parts: FunctionParts = {
      code: plan.code,
      captured: isChanging(entry)
        ? this.#values(entry, entry.live.fn === fn ? entry.live : { ...entry.live, fn })
        : fixed,
      labels: plan.slots.map((slot) => slot.label),
      first: entry.first,
      identity,
      own: ownProperties(fn, plan.code['name'] as string, isClass),
      prototype: arrow ? undefined : prototypeProperties(fn, isClass),
      prototypeParent: arrow || isClass ? undefined : prototypeParent(fn),
      parent: isClass ? undefined : functionParent(fn),
    };
    const form: FunctionForm = { form: 'parts', parts };
    if (identity === undefined && !isChanging(entry) && isBare(parts)) entry.form = form;
    return form;
  }

  #values({ plan, fixed }: Captured, live: Live): unknown[] {
    const reading: Reading | undefined = plan.hasCells ? readLive(live) : undefined;
    const statics = plan.slots.some((slot) => slot.kind === 'private') ? new Map(privateFields(live.fn)) : undefined;
    return plan.slots.map((slot, i) => {
      if (slot.kind === 'cell') return this.#cells.cellOf(slot.label, plan.cells[i]?.binding, live, reading!);
      if (slot.kind === 'private') return statics!.get(slot.label.slice(1));
      if (slot.members !== undefined) return standIn(this.#standIns, live, slot.label, slot.members);
      return fixed[i];
    });
  }

  #again(fn: Callable, { received, identity }: Again): FunctionForm {
    if (this.#isHosts(identity)) return { form: 'identity', identity };
    const { code } = received;
    const isClass = code['kind'] === 'class';
    const special = code['kind'] === 'member' || code['kind'] === 'promisify';
    return {
      form: 'parts',
      parts: {
        code,
        captured: receivedValues(received),
        labels: code.names,
        first: receivedFirst(received),
        identity,
        own: special ? [] : ownProperties(fn, code['name'] as string, isClass),
        prototype: special ? undefined : prototypeProperties(fn, isClass),
        prototypeParent: special || isClass ? undefined : prototypeParent(fn),
        parent: special || isClass ? undefined : functionParent(fn),
      },
    };
  }

  referenceOf(object: object): Reference | undefined {
    if (isReference(object)) return object;
    if (!this.#refreshed) {
      this.#refreshed = true;
      refreshBuiltins();
      refreshCommonJs();
    }
    const known =
      registry.resolved.get(object) ?? intrinsicOf(object, mainGlobal) ?? builtinOf(object) ?? exportOf(object);
    if (known !== undefined) return known;
    return types.isModuleNamespaceObject(object) && isInspectable() ? findNamespace(object) : undefined;
  }

  privateFieldsOf(instance: object): PrivateFields | undefined {
    return privatesOf(instance, (constructor) => this.formOf(constructor).form !== 'reference');
  }
}

/** A function may be given its methods after it was sent. */
function constructorIdentity(fn: Callable): string | undefined {
  return registry.identities.get(fn) ?? (isConstructor(fn) ? identityOf(fn) : undefined);
}

/** Whether values have to be read at each send. */
function isChanging({ plan }: Captured): boolean {
  return plan.hasCells || plan.slots.some((slot) => slot.kind === 'private' || slot.members !== undefined);
}

/** True when a function has no properties but the usual ones; quick, for functions that are sent again and again. */
function ownsNothing(fn: Callable, name: string): boolean {
  return (
    Reflect.ownKeys(fn).length <= usualKeys(fn) &&
    nameOf(fn) === name &&
    hasBarePrototype(fn) &&
    functionParent(fn) === undefined
  );
}

function usualKeys(fn: Callable): number {
  // length and name; prototype; arguments and caller of sloppy functions.
  return 2 + (Object.hasOwn(fn, 'prototype') ? 1 : 0) + (Object.hasOwn(fn, 'caller') ? 2 : 0);
}

function isBare({ own, prototype, ...parents }: FunctionParts): boolean {
  const inheritsNothing = parents.prototypeParent === undefined && parents.parent === undefined;
  return own.length === 0 && (prototype === undefined || prototype.length === 0) && inheritsNothing;
}

/**
 * Whether a function is the same each time it is sent: by reference, or nothing that it captured can change. The caller
 * may then keep the encoded bytes.
 */
export function isConstant(fn: Callable): boolean {
  return isConstantEntry(fn, entryOf(fn), new Set());
}

function isConstantEntry(fn: Callable, entry: Entry, seen: Set<unknown>): boolean {
  if (seen.has(fn)) return true;
  seen.add(fn);
  if (entry.kind === 'fixed') return entry.constant;
  if (entry.kind === 'again' || entry.identity !== undefined || isChanging(entry)) return false;
  if (!ownsNothing(fn, entry.plan.code['name'] as string)) return false;
  entry.constant ??= entry.fixed.every((value) => {
    if (typeof value === 'function') return isConstantEntry(value as Callable, entryOf(value as Callable), seen);
    return typeof value !== 'object' || value === null || isReference(value);
  });
  return entry.constant;
}
