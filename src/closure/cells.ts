import { accessorOf, type Live, type Reading } from './live.ts';
import type { Binding } from './facts.ts';
import { isFileless } from './global-variables.ts';

/** What a written variable becomes: an object that its closures share. */
export interface Cell {
  v: unknown;
}

interface Candidate {
  readonly cell: Cell;
  readonly live: Live;
  readonly scope: Readonly<Record<string, unknown>> | undefined;
  readonly single: boolean;
}

/** The cells of one message: closures that share a variable get the same one, others different ones. */
export class CellTable {
  readonly #candidates = new Map<Binding | string, Candidate[]>();

  clear(): void {
    if (this.#candidates.size > 0) this.#candidates.clear();
  }

  cellOf(name: string, binding: Binding | undefined, live: Live, reading: Reading): Cell {
    const { site } = live.plan;
    // Of a script's outermost variables there is one each; without a file, one for all scripts: the lines of the REPL.
    const isTop = site.root !== undefined && (binding === undefined || binding.scope === site.root);
    const isShared = isTop && isFileless(site.url);
    const known = site.root === undefined || isShared ? undefined : binding;
    const key = known ?? `${isShared ? 'top' : (site.script?.id ?? '')} ${name}`;
    const value = reading.value(name);
    const scope = reading.scope(name);
    // Where only the function was parsed, the outermost scope that is not global is that of the module.
    const single = isTop || (site.root === undefined && reading.outer(name) === 0);
    const list = this.#candidates.get(key) ?? [];
    for (const other of list) {
      if (!Object.is(other.cell.v, value)) continue;
      const isOfOneScript = other.live.plan.site.script === site.script;
      if ((single && other.single && isOfOneScript) || other.live === live) return other.cell;
      if (scope !== undefined && other.scope !== undefined && !looksSame(scope, other.scope)) continue;
      if (isSameVariable(name, live, other.live)) return other.cell;
    }
    const cell = Object.assign(Object.create(null) as Cell, { v: value });
    list.push({ cell, live, scope, single });
    this.#candidates.set(key, list);
    return cell;
  }
}

function looksSame(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => {
    try {
      return Object.hasOwn(b, key) && Object.is(a[key], b[key]);
    } catch {
      return true;
    }
  });
}

/** The exact test: a mark that is written through one closure is seen through the other, or is not. */
function isSameVariable(name: string, a: Live, b: Live): boolean {
  const one = accessorOf(a)?.of[name];
  const other = accessorOf(b)?.of[name];
  // Classes cannot be entered. Equal scopes of one place in the source are then taken for the same.
  if (one === undefined || other === undefined) return true;
  const before = one.get();
  const mark = {};
  one.set(mark);
  try {
    return other.get() === mark;
  } finally {
    one.set(before);
  }
}
