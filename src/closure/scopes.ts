import type { ESTree } from 'meriyah';
import { Declarations, declare, declarePattern, hoistVars } from './declarations.ts';
import {
  type AnyNode,
  type Binding,
  type FunctionFacts,
  type Mention,
  type Scope,
  type ScriptFacts,
  type Span,
  span,
} from './facts.ts';
import { Recorder } from './recorder.ts';
import { child, declaring, forEachName, hasDirective, isNode, keyOf, linksOf, operands } from './tree.ts';

/**
 * Which variables a function uses that are declared outside it, over the syntax tree of a whole script or of one
 * function: one pass, declarations of a scope first, then its references.
 */

type FunctionNode = ESTree.FunctionDeclaration | ESTree.FunctionExpression | ESTree.ArrowFunctionExpression;

export function analyse(program: ESTree.Program, strict: boolean = false): ScriptFacts {
  return new Analysis(strict).run(program);
}

class Analysis {
  readonly #declarations = new Declarations();
  #defaultExport: Span | undefined;
  readonly #root: Scope = { parent: undefined, isFunction: true, variables: new Map() };
  readonly #recorder = new Recorder();
  /** Loops and blocks around, within the present function: a `var` initialised there is initialised again and again. */
  #nesting = 0;
  /** `var`s whose declaration was passed that gives them a value. */
  readonly #initialised = new Set<Binding>();
  #awaits = false;

  constructor(strict: boolean) {
    this.#recorder.strict = strict;
  }

  run(program: ESTree.Program): ScriptFacts {
    const body = program.body as AnyNode[];
    this.#recorder.strict ||= hasDirective(body);
    hoistVars(body, this.#root);
    this.#declarations.hoist(body, this.#root);
    for (const statement of body) this.#visit(statement, this.#root);
    const { imports, exports } = this.#declarations;
    return {
      functions: this.#recorder.functions,
      imports,
      exports,
      defaultExport: this.#defaultExport,
      awaits: this.#awaits,
      root: this.#root,
    };
  }

  #function(node: FunctionNode, outer: Scope, detail?: Partial<FunctionFacts>): void {
    const strict = this.#recorder.strict;
    const statements =
      (node.body as AnyNode).type === 'BlockStatement' ? (node.body as ESTree.BlockStatement).body : [];
    this.#recorder.strict ||= hasDirective(statements);
    const facts = this.#recorder.open(node, 'function', outer, detail);
    const nesting = this.#nesting;
    this.#nesting = 0;
    let scope = outer;
    if (node.type === 'FunctionExpression' && node.id) {
      scope = child(scope, false);
      declare(scope, node.id.name, 'own-name');
    }
    scope = child(scope, true);
    if (!facts.arrow) declare(scope, 'arguments', 'arguments');
    for (const parameter of node.params) declarePattern(parameter, scope, 'param');
    for (const parameter of node.params) this.#pattern(parameter, scope, false);
    const body = node.body as AnyNode;
    if (body.type === 'BlockStatement') {
      hoistVars(body.body, scope);
      this.#declarations.hoist(body.body, scope);
      for (const statement of body.body) this.#visit(statement, scope);
    } else this.#visit(body, scope);
    this.#nesting = nesting;
    this.#recorder.strict = strict;
    this.#recorder.around.pop();
  }

  #class(node: ESTree.ClassDeclaration | ESTree.ClassExpression, outer: Scope): void {
    for (const decorator of node.decorators ?? []) this.#visit(decorator.expression, outer);
    const strict = this.#recorder.strict;
    this.#recorder.strict = true;
    const facts = this.#recorder.open(node, 'class', outer);
    const scope = child(outer, false);
    if (node.id) declare(scope, node.id.name, 'own-name');
    this.#recorder.whileDefining(facts, () => this.#visit(node.superClass, scope));
    for (const element of node.body.body as AnyNode[]) this.#element(element, facts, scope);
    this.#recorder.strict = strict;
    this.#recorder.around.pop();
  }

  #element(element: AnyNode, facts: FunctionFacts, scope: Scope): void {
    if (element.type === 'StaticBlock') {
      this.#recorder.open(element, 'initialiser', scope);
      const inner = child(scope, true);
      hoistVars(element.body, inner);
      this.#declarations.hoist(element.body, inner);
      for (const statement of element.body) this.#visit(statement, inner);
      this.#recorder.around.pop();
      return;
    }
    if (
      element.type !== 'MethodDefinition' &&
      element.type !== 'PropertyDefinition' &&
      element.type !== 'AccessorProperty'
    )
      return;
    this.#recorder.whileDefining(facts, () => {
      for (const decorator of element.decorators ?? []) this.#visit(decorator.expression, scope);
      if (element.computed) this.#visit(element.key, scope);
    });
    if (element.type === 'MethodDefinition') {
      this.#function(element.value, scope, {
        start: element.start!,
        member: element.kind,
        inClass: true,
        key: keyOf(element.key!, element.computed),
      });
    } else if (element.value) {
      this.#recorder.open(element, 'initialiser', scope);
      this.#visit(element.value, child(scope, true));
      this.#recorder.around.pop();
    }
  }

  #block(list: readonly AnyNode[], scope: Scope): void {
    const inner = child(scope, false);
    this.#declarations.hoist(list, inner);
    this.#nesting++;
    for (const statement of list) this.#visit(statement, inner);
    this.#nesting--;
  }

  /** The targets of a pattern; `written` when it assigns rather than declares. */
  #pattern(pattern: AnyNode | null, scope: Scope, written: boolean, role: Mention['role'] = 'plain'): void {
    switch (pattern?.type) {
      case undefined:
        return;
      case 'Identifier':
        if (written) this.#recorder.mention(pattern, scope, true, role);
        return;
      case 'ObjectPattern':
        for (const property of pattern.properties as AnyNode[]) {
          if (property.type === 'RestElement') this.#pattern(property.argument, scope, written);
          else if (property.type === 'Property') {
            if (property.computed) this.#visit(property.key, scope);
            this.#pattern(property.value, scope, written, property.shorthand ? 'shorthand' : 'plain');
          }
        }
        return;
      case 'ArrayPattern':
        for (const element of pattern.elements) this.#pattern(element, scope, written);
        return;
      case 'AssignmentPattern':
        this.#pattern(pattern.left, scope, written, role);
        return this.#visit(pattern.right, scope);
      case 'RestElement':
        return this.#pattern(pattern.argument, scope, written);
      default:
        return this.#visit(pattern, scope);
    }
  }

  #variables(node: ESTree.VariableDeclaration, scope: Scope, repeated: boolean): void {
    for (const { id, init } of node.declarations) {
      this.#pattern(id, scope, false);
      if (node.kind === 'var' && (repeated || init)) {
        forEachName(id, (name) => {
          const binding = declaring(scope, name)?.variables.get(name);
          if (binding === undefined) return;
          // One that has a value before is assigned to, as is one in a loop.
          binding.written ||= repeated || this.#nesting > 0 || binding.kind !== 'var' || this.#initialised.has(binding);
          this.#initialised.add(binding);
        });
      }
      if (init) this.#visit(init, scope);
    }
  }

  #visit(node: AnyNode | null | undefined, scope: Scope): void {
    if (!node) return;
    switch (node.type) {
      case 'Identifier':
        return this.#recorder.mention(node, scope, false);
      case 'Literal':
      case 'TemplateElement':
      case 'ImportDeclaration':
      case 'ExportAllDeclaration':
      case 'BreakStatement':
      case 'ContinueStatement':
        return;
      case 'ThisExpression':
        return this.#recorder.lexical((facts) => facts.selves.push(span(node)));
      case 'Super':
        return this.#recorder.lexical((facts) => (facts.usesSuper = true));
      case 'MetaProperty':
        if (node.meta.name === 'import') for (const facts of this.#recorder.around) facts.metas.push(span(node));
        else this.#recorder.lexical((facts) => (facts.usesNewTarget = true));
        return;
      case 'ImportExpression':
        for (const facts of this.#recorder.around)
          facts.dynamicImports.push({ start: node.start!, end: node.start! + 6 });
        this.#visit(node.source, scope);
        return this.#visit(node.options, scope);
      case 'AwaitExpression':
        this.#awaits ||= this.#recorder.around.length === 0;
        return this.#visit(node.argument, scope);
      case 'PrivateIdentifier':
        for (const facts of this.#recorder.around) facts.privateNames.add(node.name);
        return;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        return this.#function(node, scope);
      case 'ClassDeclaration':
      case 'ClassExpression':
        return this.#class(node, scope);
      case 'BlockStatement':
        return this.#block(node.body, scope);
      case 'VariableDeclaration':
        return this.#variables(node, scope, false);
      case 'WhileStatement':
      case 'DoWhileStatement':
        this.#nesting++;
        this.#children(node, scope);
        this.#nesting--;
        return;
      case 'ForStatement':
        return this.#for(node, scope);
      case 'ForInStatement':
      case 'ForOfStatement':
        return this.#forEach(node, scope);
      case 'TryStatement':
        return this.#try(node, scope);
      case 'SwitchStatement':
        return this.#switch(node, scope);
      case 'IfStatement':
        return this.#if(node, scope);
      case 'LabeledStatement':
        return this.#visit(node.body, scope);
      case 'ExportNamedDeclaration':
        this.#declarations.export(node);
        return this.#visit(node.declaration, scope);
      case 'ExportDefaultDeclaration': {
        const { declaration } = node;
        if ('id' in declaration && declaration.id && declaration.type.endsWith('Declaration'))
          this.#declarations.exports.set('default', declaration.id.name);
        else this.#defaultExport = span(declaration);
        return this.#visit(declaration, scope);
      }
      case 'WithStatement':
        for (const facts of this.#recorder.around) facts.usesWith = true;
        this.#visit(node.object, scope);
        return this.#visit(node.body, scope);
      case 'MemberExpression':
      case 'CallExpression':
        return this.#chain(node, scope);
      case 'TaggedTemplateExpression':
        this.#callee(node.tag, scope);
        return this.#visit(node.quasi, scope);
      case 'BinaryExpression':
      case 'LogicalExpression':
        return this.#binary(node, scope);
      case 'AssignmentExpression':
        if (node.operator === '=') this.#pattern(node.left, scope, true);
        else if (node.left.type === 'Identifier') this.#recorder.mention(node.left, scope, true);
        else this.#visit(node.left, scope);
        return this.#visit(node.right, scope);
      case 'UpdateExpression':
        if (node.argument.type === 'Identifier') return this.#recorder.mention(node.argument, scope, true);
        return this.#visit(node.argument, scope);
      case 'ObjectExpression':
        return this.#object(node, scope);
      default:
        return this.#children(node, scope);
    }
  }

  #for(node: ESTree.ForStatement, scope: Scope): void {
    const inner = child(scope, false);
    const init = node.init as AnyNode | null;
    if (init?.type === 'VariableDeclaration') this.#declarations.hoist([init], inner);
    this.#visit(init, inner);
    this.#visit(node.test, inner);
    this.#visit(node.update, inner);
    this.#nesting++;
    this.#visit(node.body, inner);
    this.#nesting--;
  }

  #forEach(node: ESTree.ForInStatement | ESTree.ForOfStatement, scope: Scope): void {
    if (node.type === 'ForOfStatement' && node.await) this.#awaits ||= this.#recorder.around.length === 0;
    const inner = child(scope, false);
    const left = node.left as AnyNode;
    if (left.type === 'VariableDeclaration') {
      this.#declarations.hoist([left], inner);
      this.#variables(left, inner, true);
    } else this.#pattern(left, inner, true);
    this.#visit(node.right, inner);
    this.#nesting++;
    this.#visit(node.body, inner);
    this.#nesting--;
  }

  #try(node: ESTree.TryStatement, scope: Scope): void {
    this.#block(node.block.body, scope);
    if (node.handler) {
      const inner = child(scope, false);
      declarePattern(node.handler.param, inner, 'let');
      this.#pattern(node.handler.param, inner, false);
      this.#block(node.handler.body.body, inner);
    }
    if (node.finalizer) this.#block(node.finalizer.body, scope);
  }

  #switch(node: ESTree.SwitchStatement, scope: Scope): void {
    this.#visit(node.discriminant, scope);
    const inner = child(scope, false);
    this.#nesting++;
    for (const one of node.cases) this.#declarations.hoist(one.consequent, inner);
    for (const one of node.cases) {
      this.#visit(one.test, inner);
      for (const statement of one.consequent) this.#visit(statement, inner);
    }
    this.#nesting--;
  }

  /** Generated code has `else if` chains of thousands: a loop, not a descent. */
  #if(node: ESTree.IfStatement, scope: Scope): void {
    let rest: AnyNode | null | undefined = node;
    this.#nesting++;
    while (rest?.type === 'IfStatement') {
      this.#visit(rest.test, scope);
      this.#visit(rest.consequent, scope);
      rest = rest.alternate;
    }
    this.#visit(rest, scope);
    this.#nesting--;
  }

  /** `a + b + c ...` leans to the left, as deep as it is long. */
  #binary(node: ESTree.BinaryExpression | ESTree.LogicalExpression, scope: Scope): void {
    for (const part of operands(node)) this.#visit(part, scope);
  }

  #chain(node: ESTree.MemberExpression | ESTree.CallExpression, scope: Scope): void {
    const { head, use, rest } = linksOf(node);
    if (use === 'called') this.#callee(head, scope);
    else if (use !== undefined && head.type === 'Identifier')
      this.#recorder.mention(head, scope, false, 'plain', use.member);
    else this.#visit(head, scope);
    for (const link of rest) this.#visit(link, scope);
  }

  #callee(node: AnyNode, scope: Scope): void {
    if (node.type !== 'Identifier') return this.#visit(node, scope);
    if (node.name === 'eval') for (const facts of this.#recorder.around) facts.usesEval = true;
    this.#recorder.mention(node, scope, false, 'called');
  }

  #object(node: ESTree.ObjectExpression, scope: Scope): void {
    for (const property of node.properties as AnyNode[]) {
      if (property.type !== 'Property') {
        this.#children(property, scope);
        continue;
      }
      const key = property.key as AnyNode;
      const value = property.value as AnyNode;
      if (property.computed) this.#visit(key, scope);
      if (property.shorthand && value.type === 'Identifier') this.#recorder.mention(value, scope, false, 'shorthand');
      else if ((property.method || property.kind !== 'init') && value.type === 'FunctionExpression') {
        const member = property.kind === 'init' ? 'method' : property.kind;
        this.#function(value, scope, { start: property.start!, member, key: keyOf(key, property.computed) });
      } else this.#visit(value, scope);
    }
  }

  #children(node: AnyNode, scope: Scope): void {
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) {
        for (const item of value) if (isNode(item)) this.#visit(item, scope);
      } else if (isNode(value)) this.#visit(value, scope);
    }
  }
}
