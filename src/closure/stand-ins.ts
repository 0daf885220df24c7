import { inspect } from './inspector.ts';
import type { Live } from './live.ts';
import { isModuleStandIn, valueOf } from './slots.ts';

/**
 * An object with the members that a function uses of a transpiler's stand-in for a module (`__vite_ssr_import_0__`,
 * `import_x`); one for each within a message, which grows with each function that uses more of it.
 */
export function standIn(
  made: Map<object, Record<string, unknown>>,
  { fn, plan }: Live,
  name: string,
  members: readonly string[],
): object {
  const module = valueOf(plan.site, inspect(fn).scopes(), name) as object;
  // Another closure of the same place may hold anything there.
  if (!isModuleStandIn(module)) return module;
  let copy = made.get(module);
  if (copy === undefined) made.set(module, (copy = {}));
  for (const member of members) {
    if (Object.hasOwn(copy, member)) continue;
    const value: unknown = Reflect.get(module, member);
    // A stand-in within a stand-in (a mocked namespace) would drag everything along.
    copy[member] = isModuleStandIn(value) && value === module ? copy : value;
  }
  return copy;
}
