import type { ESTree } from 'meriyah';
import type { AnyNode, BindingKind, ImportedName, Scope } from './facts.ts';
import { forEachName, isNode } from './tree.ts';

/** What statements declare, and where. */

export function declare(scope: Scope, name: string, kind: BindingKind): void {
  const before = scope.variables.get(name);
  if (before !== undefined) {
    // A second declaration of the same `var` or function is an assignment.
    if (kind === 'function' || kind === 'var') before.written ||= before.kind !== 'arguments' && kind === 'function';
    return;
  }
  scope.variables.set(name, { name, kind, scope, written: false, defined: kind === 'class' });
}

export function declarePattern(pattern: AnyNode | null, scope: Scope, kind: BindingKind): void {
  forEachName(pattern, (name) => declare(scope, name, kind));
}

/** `var` declarations belong to the function, however deep in blocks they stand. */
export function hoistVars(node: unknown, scope: Scope): void {
  if (Array.isArray(node)) {
    for (const item of node) hoistVars(item, scope);
    return;
  }
  if (!isNode(node)) return;
  switch (node.type) {
    case 'VariableDeclaration':
      if (node.kind === 'var') for (const { id } of node.declarations) declarePattern(id, scope, 'var');
      return;
    case 'IfStatement':
      hoistVars(node.consequent, scope);
      return hoistVars(node.alternate, scope);
    case 'ForStatement':
      hoistVars(node.init, scope);
      return hoistVars(node.body, scope);
    case 'ForInStatement':
    case 'ForOfStatement':
      hoistVars(node.left, scope);
      return hoistVars(node.body, scope);
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'LabeledStatement':
    case 'WithStatement':
    case 'BlockStatement':
      return hoistVars(node.body, scope);
    case 'TryStatement':
      hoistVars(node.block, scope);
      hoistVars(node.handler?.body, scope);
      return hoistVars(node.finalizer, scope);
    case 'SwitchStatement':
      for (const one of node.cases) hoistVars(one.consequent, scope);
      return;
    case 'ExportNamedDeclaration':
      return hoistVars(node.declaration, scope);
  }
}

export class Declarations {
  readonly imports: Map<string, ImportedName> = new Map();
  readonly exports: Map<string, string> = new Map();

  /** What a list of statements declares in its own block. */
  hoist(list: readonly AnyNode[], scope: Scope): void {
    for (const statement of list) {
      const declared =
        statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportDefaultDeclaration'
          ? statement.declaration
          : statement;
      switch (declared?.type) {
        case 'VariableDeclaration':
          if (declared.kind === 'var') break;
          for (const { id, init } of declared.declarations) {
            declarePattern(id, scope, blockKind(declared.kind));
            if (id.type === 'Identifier' && init && isDefined(init)) scope.variables.get(id.name)!.defined = true;
          }
          break;
        case 'FunctionDeclaration':
          if (declared.id) declare(scope, declared.id.name, 'function');
          break;
        case 'ClassDeclaration':
          if (declared.id) declare(scope, declared.id.name, 'class');
          break;
        case 'ImportDeclaration':
          this.#import(declared, scope);
          break;
      }
    }
  }

  #import(node: ESTree.ImportDeclaration, scope: Scope): void {
    const specifier = String(node.source.value);
    const pairs = node.attributes.map(
      (a) => [a.key.type === 'Identifier' ? a.key.name : String(a.key.value), String(a.value.value)] as const,
    );
    const attributes = pairs.length > 0 ? Object.fromEntries(pairs) : undefined;
    for (const clause of node.specifiers) {
      declare(scope, clause.local.name, 'import');
      let name = clause.type === 'ImportNamespaceSpecifier' ? '*' : 'default';
      if (clause.type === 'ImportSpecifier')
        name = clause.imported.type === 'Identifier' ? clause.imported.name : String(clause.imported.value);
      this.imports.set(clause.local.name, { specifier, name, attributes });
    }
  }

  export(node: ESTree.ExportNamedDeclaration): void {
    if (node.source) return;
    const nameOf = (name: ESTree.Identifier | ESTree.StringLiteral): string =>
      name.type === 'Identifier' ? name.name : String(name.value);
    for (const { local, exported } of node.specifiers) this.exports.set(nameOf(exported), nameOf(local));
    const { declaration } = node;
    if (declaration?.type === 'VariableDeclaration') {
      for (const { id } of declaration.declarations) forEachName(id, (name) => this.exports.set(name, name));
    } else if (declaration?.id) this.exports.set(declaration.id.name, declaration.id.name);
  }
}

function blockKind(kind: string): BindingKind {
  return kind === 'const' ? 'const' : kind === 'let' ? 'let' : 'using';
}

/** Whether an expression never gives `undefined`, as far as its kind tells. */
function isDefined({ type }: ESTree.Expression): boolean {
  return /^(?:Literal|TemplateLiteral|(?:ArrowFunction|Function|Class|Object|Array|New|Binary|Update)Expression)$/.test(
    type,
  );
}
