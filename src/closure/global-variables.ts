import { isBuiltin } from '../node-module.ts';
import { mainGlobal } from './inspector.ts';
import { intrinsicOf, isIntrinsicName } from './intrinsics.ts';
import { mainUrl } from './main-module.ts';

/** Of the module that Node makes for a program without a file: in the worker there is no such thing. */
const ofModule = new Set(['module', 'exports', '__filename', '__dirname']);
let main: Readonly<Record<string, unknown>> | undefined;

/** Whether a script is no module: a line of the REPL, `node -e`, standard input, or what `node:vm` runs. */
export function isFileless(url: string): boolean {
  return !/^(?:file|node):/.test(url);
}

/**
 * The variable of a program without a file: what it declares at its top are properties of the global object. Undefined for what a
 * worker has by itself.
 */
export function globalVariable(name: string): { readonly value: unknown } | undefined {
  main ??= mainGlobal() as unknown as Readonly<Record<string, unknown>>;
  const property = Object.getOwnPropertyDescriptor(main, name);
  if (property === undefined || ofModule.has(name)) return undefined;
  if (isIntrinsicName(name) && !isReplaced(name, property)) return undefined;
  // `var` and `function` make properties that nobody can delete.
  const isDeclared = property.configurable === false && property.writable === true;
  if (!isDeclared && (mainUrl() !== undefined || !isGiven(name, property))) return undefined;
  return { value: main[name] };
}

/** `x = 5`, `require`, and the built-in modules by their names. */
function isGiven(name: string, { enumerable }: PropertyDescriptor): boolean {
  return enumerable === true || name === 'require' || isBuiltin(name);
}

/** Whether the program has something else under the name of a global; in the REPL `crypto` is the module. */
function isReplaced(name: string, { get, value }: PropertyDescriptor): boolean {
  const now: unknown = get === undefined ? value : isBuiltin(name) ? main![name] : undefined;
  if ((typeof now !== 'object' && typeof now !== 'function') || now === null) return false;
  return intrinsicOf(now, mainGlobal) === undefined;
}
