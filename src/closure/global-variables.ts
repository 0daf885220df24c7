import { isBuiltin } from '../node-module.ts';
import { mainGlobal } from './inspector.ts';
import { isIntrinsicName } from './intrinsics.ts';
import { mainUrl } from './main-module.ts';

let global: Readonly<Record<string, unknown>> | undefined;

/**
 * The variable of a program that is no module (`-e`, stdin, the REPL, a script run by `node:vm`): what it declares at its top are properties of
 * the global object. Undefined for what a worker has by itself, and for what a program has hung there by hand: that may be anything.
 */
export function globalVariable(name: string): { readonly value: unknown } | undefined {
  global ??= mainGlobal() as unknown as Readonly<Record<string, unknown>>;
  const property = Object.getOwnPropertyDescriptor(global, name);
  if (property === undefined || isIntrinsicName(name)) return undefined;
  // `var` and `function` make properties that nobody can delete.
  const isDeclared = property.configurable === false && property.writable === true;
  return isDeclared || (mainUrl() === undefined && isGivenByNode(name, property)) ? { value: global[name] } : undefined;
}

/** In a program without a file: `x = 5`, `require`, and the built-in modules by their names. */
function isGivenByNode(name: string, { enumerable }: PropertyDescriptor): boolean {
  return enumerable === true || name === 'require' || isBuiltin(name);
}
