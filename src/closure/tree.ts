import type { ESTree } from 'meriyah';
import { type AnyNode, type FunctionFacts, type Scope, span } from './facts.ts';

/** Small questions about syntax trees and scopes. */

export function hasDirective(statements: readonly AnyNode[]): boolean {
  for (const statement of statements) {
    if (
      statement.type !== 'ExpressionStatement' ||
      statement.expression.type !== 'Literal' ||
      typeof statement.expression.value !== 'string'
    )
      return false;
    if (statement.expression.value === 'use strict') return true;
  }
  return false;
}

export function child(parent: Scope, isFunction: boolean): Scope {
  return { parent, isFunction, variables: new Map() };
}

/** Whether a scope lies within the scope in which a function stands: then the function itself declares the variable. */
export function isInside(scope: Scope, outer: Scope): boolean {
  for (let at = scope.parent; at !== undefined; at = at.parent) if (at === outer) return true;
  return false;
}

export function keyOf(key: AnyNode, computed: boolean): FunctionFacts['key'] {
  return { ...span(key), computed, node: key };
}

export function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

/** Every name that a pattern binds. */
export function forEachName(pattern: AnyNode | null | undefined, take: (name: string) => void): void {
  switch (pattern?.type) {
    case 'Identifier':
      return take(pattern.name);
    case 'ObjectPattern':
      for (const property of pattern.properties as AnyNode[]) {
        forEachName(property.type === 'RestElement' ? property.argument : (property as ESTree.Property).value, take);
      }
      return;
    case 'ArrayPattern':
      for (const element of pattern.elements) forEachName(element, take);
      return;
    case 'AssignmentPattern':
      return forEachName(pattern.left, take);
    case 'RestElement':
      return forEachName(pattern.argument, take);
  }
}

/** `a.b(c).d(e) ...` leans to the left, as deep as it is long: what it begins with, as what, and the rest in order. */
export function linksOf(chain: AnyNode): {
  readonly head: AnyNode;
  /** The member that is taken of a name at the head, or that the name is called. */
  readonly use: { readonly member: string | undefined } | 'called' | undefined;
  readonly rest: readonly AnyNode[];
} {
  const rest: AnyNode[] = [];
  for (let left = chain; ;) {
    if (left.type === 'MemberExpression') {
      const { object, property, computed } = left;
      if (computed || property.type === 'PrivateIdentifier') rest.push(property);
      else if (object.type === 'Identifier')
        return { head: object, use: { member: nameOf(property) }, rest: rest.toReversed() };
      left = object;
    } else if (left.type === 'CallExpression') {
      // One by one: there may be more than a call takes arguments.
      for (let i = left.arguments.length - 1; i >= 0; i--) rest.push(left.arguments[i]!);
      if (left.callee.type === 'Identifier') return { head: left.callee, use: 'called', rest: rest.toReversed() };
      left = left.callee;
    } else if (left.type === 'ChainExpression') left = left.expression;
    else return { head: left, use: undefined, rest: rest.toReversed() };
  }
}

function nameOf(property: AnyNode): string | undefined {
  return property.type === 'Identifier' ? property.name : undefined;
}

/** The scope that declares a name, from the inside out. */
export function declaring(scope: Scope, name: string): Scope | undefined {
  let at: Scope | undefined = scope;
  while (at !== undefined && !at.variables.has(name)) at = at.parent;
  return at;
}

export function newFacts(
  node: FunctionFacts['node'],
  kind: FunctionFacts['kind'],
  outer: Scope,
  strict: boolean,
): FunctionFacts {
  return {
    ...span(node),
    node,
    kind,
    arrow: node.type === 'ArrowFunctionExpression',
    member: undefined,
    key: undefined,
    inClass: false,
    free: new Map(),
    outer,
    selves: [],
    metas: [],
    dynamicImports: [],
    privateNames: new Set(),
    usesSuper: false,
    usesNewTarget: false,
    usesEval: false,
    usesWith: false,
    strict,
  };
}

/** The operands of a chain of binary operators, in order. */
export function operands(node: AnyNode): AnyNode[] {
  const list: AnyNode[] = [];
  let left = node;
  while (left.type === 'BinaryExpression' || left.type === 'LogicalExpression') {
    list.push(left.right);
    left = left.left;
  }
  list.push(left);
  return list.reverse();
}
