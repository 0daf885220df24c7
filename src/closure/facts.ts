import type { ESTree } from 'meriyah';

/** What the analysis of a script tells; see `scopes.ts`. */

export type BindingKind =
  | 'var'
  | 'let'
  | 'const'
  | 'using'
  | 'function'
  | 'class'
  | 'import'
  | 'param'
  | 'own-name'
  | 'arguments';

export interface Binding {
  readonly name: string;
  readonly kind: BindingKind;
  readonly scope: Scope;
  /** Assigned anywhere after its initialisation. */
  written: boolean;
  /** Its declaration gives it something that is not `undefined`: where it is that, the declaration has not run. */
  defined: boolean;
}

export interface Scope {
  readonly parent: Scope | undefined;
  readonly isFunction: boolean;
  readonly variables: Map<string, Binding>;
}

/** One place where a variable is named. */
export interface Mention {
  readonly start: number;
  readonly end: number;
  /** `{ x }`; or `x()`, where replacing the name by a member would pass a `this`. */
  readonly role: 'plain' | 'shorthand' | 'called';
  /** The member that is read from it, when that is all that happens: `x.member`. */
  readonly member: string | undefined;
}

export interface FreeVariable {
  readonly name: string;
  readonly binding: Binding | undefined;
  readonly mentions: Mention[];
  /** Assigned within the function itself. */
  written: boolean;
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

export type Member = 'method' | 'get' | 'set' | 'constructor';

/** Everything of interest about one function or class of a script. */
export interface FunctionFacts extends Span {
  readonly node:
    | ESTree.FunctionDeclaration
    | ESTree.FunctionExpression
    | ESTree.ArrowFunctionExpression
    | ESTree.ClassDeclaration
    | ESTree.ClassExpression
    | ESTree.StaticBlock
    | ESTree.PropertyDefinition
    | ESTree.AccessorProperty;
  readonly kind: 'function' | 'class' | 'initialiser';
  readonly arrow: boolean;
  readonly member: Member | undefined;
  /** The key of a method, and whether it is computed. */
  readonly key: (Span & { readonly computed: boolean; readonly node: ESTree.Node }) | undefined;
  readonly inClass: boolean;
  readonly free: Map<string, FreeVariable>;
  /** The scope in which it stands. */
  readonly outer: Scope;
  /** Where it names the `this`, `super` and `new.target` around an arrow; for others, its own. */
  readonly selves: Span[];
  readonly metas: Span[];
  readonly dynamicImports: Span[];
  readonly privateNames: Set<string>;
  usesSuper: boolean;
  usesNewTarget: boolean;
  usesEval: boolean;
  usesWith: boolean;
  /** By a directive, or because it is (part of) a class; modules are strict besides. */
  readonly strict: boolean;
}

export interface ImportedName {
  readonly specifier: string;
  /** `*` for the namespace. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>> | undefined;
}

export interface ScriptFacts {
  readonly functions: readonly FunctionFacts[];
  readonly imports: ReadonlyMap<string, ImportedName>;
  /** Names that are exported, with the variables behind them; re-exports of other modules are not among them. */
  readonly exports: ReadonlyMap<string, string>;
  /** What `export default` exports when that has no name. */
  readonly defaultExport: Span | undefined;
  /** Has a top-level await. */
  readonly awaits: boolean;
  readonly root: Scope;
}

export type AnyNode = ESTree.Node;

export function span(node: { start?: number; end?: number }): Span {
  return { start: node.start!, end: node.end! };
}
