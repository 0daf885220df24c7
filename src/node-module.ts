import type NodeModule from 'node:module';

/** `node:module`. To load it takes 0.3 ms, which the start of a worker does not wait for. */
export function nodeModule(): typeof NodeModule {
  return process.getBuiltinModule('node:module');
}

export function createRequire(from: string): NodeJS.Require {
  return nodeModule().createRequire(from);
}

export function isBuiltin(specifier: string): boolean {
  return nodeModule().isBuiltin(specifier);
}
