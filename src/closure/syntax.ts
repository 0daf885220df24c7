import { createRequire } from '../node-module.ts';
import type * as Meriyah from 'meriyah';
import type { ESTree } from 'meriyah';

type Parser = typeof Meriyah;

let parser: Parser | undefined;

/** The parser, loaded when first needed: workers that only receive functions never do. */
export function loadParser(): Parser {
  parser ??= createRequire(import.meta.url)('meriyah') as Parser;
  return parser;
}

/** Parses a whole script or module; undefined when it is not valid to this parser. */
export function parseScript(source: string, isModule: boolean): ESTree.Program | undefined {
  const { parse } = loadParser();
  const options = { ranges: true, next: true, webcompat: true } as const;
  // A CommonJS file is the body of a function: `return` is allowed, and so is `await` nowhere.
  for (const sourceType of isModule ? (['module'] as const) : (['commonjs', 'script'] as const)) {
    try {
      return parse(source, { ...options, sourceType });
    } catch {
      // Tried as the next type, or given up.
    }
  }
  return undefined;
}

/** What a lone function's text is put between to be a program. */
const wrappings: ReadonlyArray<readonly [before: string, after: string]> = [
  ['(', ')'],
  ['({', '})'],
  ['(class{', '})'],
  ['(class{static ', '})'],
  // `await`, `new.target` and `arguments` of the function around it.
  ['(async function(){return(', ')})'],
];

/** As a declaration, a function that names itself names a variable outside it, which may have been given another value. */
const declaration = /^(?:async\s+)?function\s*\*?\s*[\p{ID_Start}$_]/u;

/** A function's text parsed alone, with the number of characters before it; undefined when no wrapping fits. */
export function parseFunction(text: string, strict: boolean): { program: ESTree.Program; offset: number } | undefined {
  const { parse } = loadParser();
  for (const [before, after] of declaration.test(text) ? [['', ''] as const, ...wrappings] : wrappings) {
    try {
      const options = { ranges: true, next: true, webcompat: !strict, impliedStrict: strict } as const;
      // Script where possible: there `await` is a plain name outside async functions.
      const sourceType = text.includes('import.meta') ? 'module' : 'script';
      const program = parse(before + text + after, { ...options, sourceType });
      return { program, offset: before.length };
    } catch {
      // The next wrapping.
    }
  }
  return undefined;
}
