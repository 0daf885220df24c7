import { createRequire } from 'node:module';
import type { ESTree } from 'meriyah';

type Parser = typeof import('meriyah');

let parser: Parser | undefined;

/** The parser, loaded when first needed: workers that only receive functions never do. */
export function loadParser(): Parser {
  parser ??= createRequire(import.meta.url)('meriyah') as Parser;
  return parser;
}

/** Parses a whole script or module; undefined when it is not valid to this parser. */
export function parseScript(source: string, isModule: boolean): ESTree.Program | undefined {
  const options = { ranges: true, next: true, webcompat: true } as const;
  // A CommonJS file is the body of a function: `return` is allowed, and so is `await` nowhere.
  for (const sourceType of isModule ? (['module'] as const) : (['commonjs', 'script'] as const)) {
    try {
      return loadParser().parse(source, { ...options, sourceType });
    } catch {
      // Tried as the next type, or given up.
    }
  }
  return undefined;
}

/** How the text of a lone function has to be wrapped to be an expression. */
export type Wrapping = 'expression' | 'method' | 'static';

const wrappings: ReadonlyArray<readonly [Wrapping, string, string]> = [
  ['expression', '(', ')'],
  ['method', '({', '})'],
  ['method', '(class{', '})'],
  ['static', '(class{static ', '})'],
];

/** A function's text parsed alone, with the number of characters before it; undefined when no wrapping fits. */
export function parseFunction(text: string, strict: boolean): { program: ESTree.Program; offset: number } | undefined {
  for (const [, before, after] of wrappings) {
    try {
      const options = { ranges: true, next: true, webcompat: !strict, impliedStrict: strict } as const;
      // Script, not module: `await` must be a plain name where it may be one. Inside async functions it never is.
      const program = loadParser().parse(before + text + after, { ...options, sourceType: 'script' });
      return { program, offset: before.length };
    } catch {
      // The next wrapping.
    }
  }
  return undefined;
}
