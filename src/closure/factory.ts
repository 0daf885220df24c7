import { compileFunction } from 'node:vm';
import type { Code } from '../wire/forms.ts';
import type { Callable, PrivateTools } from './registry.ts';

/** What a factory makes: the function, and the means to fill and to read its captured variables. */
export interface Made {
  readonly value: Callable;
  readonly write: (values: readonly unknown[]) => void;
  readonly read: () => readonly unknown[];
}

export type Factory = (tools: PrivateTools, first: readonly unknown[], get: (cell: { v: unknown }) => unknown) => Made;

type Raw = (...args: unknown[]) => [Callable, Made['write'], Made['read']];

const factories = new WeakMap<Code, Factory>();

/** Typed access to what the capture side put into a piece of code. */
export interface CodeDetail {
  readonly kind: string;
  readonly text: string;
  readonly wrap: 'expression' | 'method' | 'get' | 'set';
  readonly prefix: string;
  readonly name: string;
  readonly strict: boolean;
  readonly url: string;
  readonly line: number;
  readonly column: number;
  readonly sourceMap: string;
  readonly privates: readonly string[];
  readonly derived: boolean;
  readonly tail: boolean;
}

export function detailOf(code: Code): CodeDetail {
  return code as unknown as CodeDetail;
}

/** Compiles a piece of code once; each call makes a function of its own, with captured variables of its own. */
export function factoryOf(code: Code, sourceMap: string = detailOf(code).sourceMap): Factory {
  let factory = factories.get(code);
  if (factory === undefined) {
    const raw = compile(code, sourceMap);
    factory = (tools, first, get) => {
      const [value, write, read] = raw(tools, first, get);
      return { value, write, read };
    };
    factories.set(code, factory);
  }
  return factory;
}

const wraps = {
  expression: ['(', ')'],
  method: ['Object.values({', '})[0]'],
  get: ['Object.values(Object.getOwnPropertyDescriptors({', '}))[0].get'],
  set: ['Object.values(Object.getOwnPropertyDescriptors({', '}))[0].set'],
} as const;

/**
 * The user's text keeps its line and column: everything else stands behind it, or before it on the previous line, or (for
 * a text on the first line) in the room that its column leaves.
 */
function compile(code: Code, sourceMap: string): Raw {
  const detail = detailOf(code);
  const { prefix, line, column, url } = detail;
  const parameters = [`${prefix}tools`, `${prefix}first`, `${prefix}get`];
  const names = code.names.join(',');
  const [before, after] = wraps[detail.wrap];
  const open = `${detail.strict ? '"use strict";' : ''}return[`;
  const write = names === '' ? '' : `[${names}]=${prefix}values`;
  const afterwards = detail.tail ? `;${prefix}tools.after()` : '';
  const close = `,(${prefix}values)=>{${write}${afterwards}},()=>[${names}]]${names === '' ? '' : `;var ${names}`}`;
  const indent = (room: string): string => ' '.repeat(Math.max(0, column - room.length));
  if (sourceMap !== '' && canEvaluate()) {
    // Node maps positions of evaluated code that names its source, but not of vm scripts.
    const head = `(function(${parameters.join(',')}){${open}`;
    const start = line > 0 ? `${'\n'.repeat(line - 1)}${head}\n${indent(before)}` : `${indent(head + before)}${head}`;
    const tail = `})\n//# sourceURL=${url}\n//# sourceMappingURL=${sourceMap}`;
    return (0, eval)(`${start}${before}${detail.text}${after}${close}${tail}`) as Raw;
  }
  const start = line > 0 ? `${open}\n${indent(before)}` : `${indent(open + before)}${open}`;
  return compileFunction(`${start}${before}${detail.text}${after}${close}`, parameters, {
    filename: url === '' ? 'manycore:function' : url,
    lineOffset: line > 0 ? line - 1 : 0,
  }) as unknown as Raw;
}

let evaluates: boolean | undefined;

/** False under `--disallow-code-generation-from-strings`, which does not concern `vm.compileFunction`. */
function canEvaluate(): boolean {
  if (evaluates === undefined) {
    try {
      evaluates = (0, eval)('1') === 1;
    } catch {
      evaluates = false;
    }
  }
  return evaluates;
}
