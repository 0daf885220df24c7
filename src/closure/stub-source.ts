import { ManycoreError } from '../errors.ts';

/** The text of a module that has the exports of another one and none of its code. */
export function stubSource(source: string, url: string): string {
  const names = exportNames(source);
  const lines = names.map(
    (name, i) => `const x${i} = unusable(${JSON.stringify(name)}); export { x${i} as ${JSON.stringify(name)} };`,
  );
  const stars = source.match(/^\s*export\s*\*\s*from\s*['"][^'"]+['"]/gm) ?? [];
  const head = `const unusable = globalThis[Symbol.for('manycore.closure.unusable')](${JSON.stringify(url)});`;
  return [head, ...lines, ...stars].join('\n');
}

const hook: unique symbol = Symbol.for('manycore.closure.unusable');
Object.defineProperty(globalThis, hook, {
  value: (url: string) => (name: string) => unusable(name, url),
  configurable: true,
});

/** Stands for an export of the main program: importing it is fine, whatever is done with it throws. */
export function unusable(name: string, url: string): unknown {
  const fail = (): never => {
    throw new ManycoreError(
      `"${name}" of the main program (${url}) was used in a worker, where the main program does not run. ` +
        'Move it to a module of its own, or pass it as an argument.',
    );
  };
  const traps: ProxyHandler<() => void> = {
    apply: fail,
    construct: fail,
    get: fail,
    set: fail,
    has: fail,
    ownKeys: fail,
    getPrototypeOf: fail,
  };
  return new Proxy(function () {}, traps);
}

/**
 * The names that a module exports, by their look: a worker that meets a module that imports the main program has no other
 * need of a parser. A name too many does no harm.
 */
function exportNames(source: string): string[] {
  const names = new Set<string>();
  for (const [, name] of source.matchAll(
    /\bexport\s+(?:async\s+)?(?:const|let|var|function\s*\*?|class|enum)\s+([\w$]+)/g,
  ))
    names.add(name!);
  for (const [, list] of source.matchAll(/\bexport\s*\{([^}]*)\}/g)) {
    for (const item of list!.split(',')) {
      const name = item
        .trim()
        .split(/\s+as\s+/)
        .at(-1)!
        .trim();
      if (name !== '' && !name.startsWith('type ')) names.add(name);
    }
  }
  if (/\bexport\s+default\b/.test(source)) names.add('default');
  return [...names];
}
