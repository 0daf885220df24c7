import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CaptureError } from '../errors.ts';
import { type Location, type Script, sourceOf } from './inspector.ts';
import type { Callable } from './registry.ts';
import type { FunctionFacts, ImportedName, Scope, ScriptFacts } from './facts.ts';
import { analyse } from './scopes.ts';
import { parseFunction, parseScript } from './syntax.ts';

/** Where the text of functions comes from and what it means: script -> analysis -> the place of one function in it. */

// Parsing takes about 7 ms per 100 KB. In longer scripts (bundles) only the function's own text is parsed, and every
// variable that it uses is taken for one that is written.
const maxParsedLength = 512 * 1024;

interface Source {
  readonly text: string;
  readonly lineStarts: readonly number[];
  /** Undefined when the script is too long or not valid to the parser. */
  readonly facts: ScriptFacts | undefined;
  readonly byEnd: ReadonlyMap<number, readonly FunctionFacts[]>;
}

/** One function or class in its script: the same object for all functions made there. */
export interface Site {
  readonly script: Script | undefined;
  readonly url: string;
  readonly text: string;
  readonly facts: FunctionFacts;
  /** Where `text` starts in what `facts` counts in. */
  readonly base: number;
  /** The position of `text` in its file, from 0. */
  readonly line: number;
  readonly column: number;
  readonly strict: boolean;
  /** Undefined when only the function's own text was parsed. */
  readonly root: Scope | undefined;
  readonly imports: ReadonlyMap<string, ImportedName>;
  /** The place of an offset of `facts` in the script, for breakpoints. */
  locate(offset: number): Location | undefined;
}

const sources = new Map<string, Source>();
const sites = new Map<string, Site>();
const maxAloneSites = 4096;
const maxSites = 16_384;
const maxSources = 2048;
const alone = new Map<string, Site>();

export function textOf(fn: object): string {
  return Function.prototype.toString.call(fn);
}

/** The site of a function that the inspector has located. */
export function siteOf(fn: Callable, location: Location, script: Script): Site {
  const key = `${location.scriptId}:${location.lineNumber}:${location.columnNumber}`;
  let site = sites.get(key);
  if (site === undefined) {
    // Scripts made by eval have no end.
    if (sites.size >= maxSites) sites.clear();
    sites.set(key, (site = findSite(fn, location, script)));
  }
  return site;
}

/** The site of a function of which nothing but the text is known; undefined when it cannot be parsed. */
export function siteOfText(fn: Callable): Site | undefined {
  const text = textOf(fn);
  let site = alone.get(text);
  if (site === undefined) {
    site = parseAlone(text, { line: 0, column: 0, script: undefined, strict: !isSloppy(fn) });
    if (site === undefined) return undefined;
    if (alone.size >= maxAloneSites) alone.clear();
    alone.set(text, site);
  }
  return site;
}

/** Functions of sloppy code have an own `caller`; arrows and methods never do, so for those it says nothing. */
function isSloppy(fn: object): boolean {
  return Object.hasOwn(fn, 'caller');
}

function findSite(fn: Callable, location: Location, script: Script): Site {
  const text = textOf(fn);
  const source = readSource(script, location, text);
  const line = location.lineNumber - script.startLine;
  const column = line === 0 ? location.columnNumber - script.startColumn : location.columnNumber;
  // V8 reports the opening bracket of the parameters; the text that `toString` gives starts before it.
  const reported = (source.lineStarts[line] ?? 0) + column;
  const start = source.text.startsWith(text, reported) ? reported : source.text.lastIndexOf(text, reported);
  const at = start < 0 ? { line: location.lineNumber, column: location.columnNumber } : position(source, start);
  const shown = {
    line: at.line + script.startLine,
    column: at.line === 0 ? at.column + script.startColumn : at.column,
  };
  if (source.facts !== undefined && start >= 0) {
    const candidates = source.byEnd.get(start + text.length) ?? [];
    const facts =
      candidates.find((one) => one.start === start) ??
      candidates.find((one) => one.member !== undefined && one.start <= start) ??
      candidates[0];
    if (facts !== undefined) {
      const locate = (offset: number): Location => {
        const { line: l, column: c } = position(source, offset);
        return {
          scriptId: script.id,
          lineNumber: l + script.startLine,
          columnNumber: l === 0 ? c + script.startColumn : c,
        };
      };
      const strict = script.isModule || facts.strict;
      const { root, imports } = source.facts;
      return { script, url: script.url, text, facts, base: start, ...shown, strict, root, imports, locate };
    }
  }
  const strict = script.isModule || (!isSloppy(fn) && startsStrict(source.text));
  const site = parseAlone(text, { ...shown, script, strict });
  if (site !== undefined) return site;
  throw new CaptureError(`Cannot send {path}: the source of the function "${fn.name}" cannot be parsed.`);
}

/** The analysis of the whole script of a function, when it was not too long for one. */
export function factsOf(fn: Callable, location: Location, script: Script): ScriptFacts | undefined {
  return readSource(script, location, textOf(fn)).facts;
}

function parseAlone(
  text: string,
  at: { line: number; column: number; script: Script | undefined; strict: boolean },
): Site | undefined {
  const parsed = parseFunction(text, at.strict);
  if (parsed === undefined) return undefined;
  const { functions } = analyse(parsed.program);
  const end = parsed.offset + text.length;
  const facts =
    functions.find((one) => one.start === parsed.offset && one.end === end) ?? functions.find((one) => one.end === end);
  if (facts === undefined) return undefined;
  const { script } = at;
  const locate = (offset: number): Location | undefined => {
    if (script === undefined) return undefined;
    const before = text.slice(0, offset - parsed.offset);
    const lines = before.split('\n').length - 1;
    const column = lines === 0 ? at.column + before.length : before.length - before.lastIndexOf('\n') - 1;
    return { scriptId: script.id, lineNumber: at.line + lines, columnNumber: column };
  };
  return {
    ...at,
    url: script?.url ?? '',
    text,
    facts,
    base: parsed.offset,
    root: undefined,
    imports: new Map(),
    locate,
  };
}

function readSource(script: Script, location: Location, text: string): Source {
  let source = sources.get(script.id);
  if (source === undefined) {
    const content = readFile(script, location, text) ?? sourceOf(script);
    // The source map that a loader put behind the code can be the larger part.
    const code = content.replace(/\n\/\/# sourceMappingURL=data:[^\n]*\s*$/, '');
    const program = code.length <= maxParsedLength ? parseScript(code, script.isModule) : undefined;
    const facts = program && analyse(program, script.isModule);
    const byEnd = new Map<number, FunctionFacts[]>();
    for (const one of facts?.functions ?? []) byEnd.set(one.end, [...(byEnd.get(one.end) ?? []), one]);
    source = { text: content, lineStarts: lineStarts(content), facts, byEnd };
    if (sources.size >= maxSources) sources.clear();
    sources.set(script.id, source);
  }
  return source;
}

/**
 * The script's file, when it certainly is what was loaded: a look at the disk costs 0.05 ms and asking the debugger many.
 */
function readFile(script: Script, location: Location, text: string): string | undefined {
  if (!/^file:.*\.[cm]?js$/.test(script.url) || script.startLine !== 0 || script.startColumn !== 0) return undefined;
  try {
    const content = readFileSync(fileURLToPath(script.url), 'utf8').replace(/^\uFEFF/, '');
    if (content.length !== script.length) return undefined;
    const start = (lineStarts(content)[location.lineNumber] ?? 0) + location.columnNumber;
    return content.startsWith(text, start) || content.lastIndexOf(text, start) >= 0 ? content : undefined;
  } catch {
    return undefined;
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return starts;
}

function position(source: Source, offset: number): { line: number; column: number } {
  let low = 0;
  let high = source.lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (source.lineStarts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low, column: offset - source.lineStarts[low]! };
}

function startsStrict(source: string): boolean {
  return /^(?:#![^\n]*\n)?(?:\s|\/\/[^\n]*\n|\/\*[^]*?\*\/)*['"]use strict['"]/.test(source.slice(0, 4000));
}
