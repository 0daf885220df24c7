import type { ESTree } from 'meriyah';
import { inspect } from './inspector.ts';
import { probe } from './probe.ts';
import type { Callable } from './registry.ts';
import { lookup, type Plan, type Scopes, valueOf } from './slots.ts';
import type { Site } from './source.ts';

/** The variables of one function as they are now. */

/** Code inside the function's own scope, which sees its variables and can write them. */
export interface Accessor {
  read(): Readonly<Record<string, unknown>>;
  readonly of: Readonly<Record<string, { get(): unknown; set(value: unknown): void }>>;
}

export interface Live {
  readonly fn: Callable;
  readonly plan: Plan;
  /** The scopes of the first look, used once. */
  fresh: Scopes | undefined;
  uses: number;
  /** Undefined: not tried yet; null: this function cannot be entered. */
  accessor: Accessor | null | undefined;
}

/** What reading the written variables gave: their values, and the scopes in which they were found when those were read. */
export interface Reading {
  value(name: string): unknown;
  scope(name: string): Readonly<Record<string, unknown>> | undefined;
  /** How many scopes lie outside the one that holds the variable. */
  outer(name: string): number | undefined;
}

// Making an accessor costs as much as about forty looks through the inspector.
const usesBeforeAccessor = 50;

export function readLive(live: Live): Reading {
  if (live.fresh === undefined && ++live.uses > usesBeforeAccessor) accessorOf(live);
  if (live.accessor) {
    const values = live.accessor.read();
    return { value: (name) => values[name], scope: () => undefined, outer: () => undefined };
  }
  const scopes = live.fresh ?? inspect(live.fn).scopes();
  live.fresh = undefined;
  const place = (name: string): number => {
    const found = lookup(live.plan.site, scopes, name);
    return found !== undefined && 'scope' in found ? found.scope : -1;
  };
  return {
    value: (name) => valueOf(live.plan.site, scopes, name),
    scope: (name) => scopes[place(name)],
    outer: (name) => scopes.length - 1 - place(name),
  };
}

/** The accessor of a function; null when there is none to be had. */
export function accessorOf(live: Live): Accessor | null {
  if (live.accessor === undefined) {
    const names = live.plan.slots.filter((slot) => slot.kind === 'cell').map((slot) => slot.label);
    const ways = names.map((name) => `${name}:{get:()=>${name},set:$v=>{${name}=$v}}`).join(',');
    try {
      live.accessor = enter(live.plan.site, live.fn, `{read:()=>({${names.join(',')}}),of:{${ways}}}`) as Accessor;
    } catch {
      live.accessor = null;
    }
  }
  return live.accessor;
}

const stepOfSync = nextOf(function* () {});
const stepOfAsync = nextOf(async function* () {});

/** The intrinsic `next`, which nobody has replaced. */
function nextOf(generator: object): Callable {
  const { prototype } = Object.getPrototypeOf(generator) as { readonly prototype: { readonly next: Callable } };
  return prototype.next;
}

/** Evaluates an expression at the start of a function's body. Throws for what cannot be entered without being run. */
export function enter(site: Site, fn: Callable, expression: string): unknown {
  const { facts } = site;
  const node = facts.node as ESTree.FunctionExpression | ESTree.ArrowFunctionExpression;
  if (facts.kind !== 'function') throw new Error('This cannot be entered.');
  const body = node.body as ESTree.Node;
  const start = site.locate(body.type === 'BlockStatement' ? body.start! + 1 : body.start!);
  const end = site.locate(body.end!);
  if (start === undefined || end === undefined) throw new Error('The place of this is not known.');
  if (!('generator' in node) || !node.generator) return probe(fn, expression, start, end);
  // A generator's body is entered by its first step.
  const step = node.async ? stepOfAsync : stepOfSync;
  return probe((...args: never[]) => Reflect.apply(step, fn(...args), []) as unknown, expression, start, end);
}
