import type { ESTree } from 'meriyah';
import { CaptureError } from '../errors.ts';
import { isInspectable } from './inspector.ts';
import { constructAs, constructOnto } from './private-fields.ts';
import { probe } from './probe.ts';
import type { Callable, PrivateLevel } from './registry.ts';
import { elements, namesHeritage, privateElements } from './rewrite.ts';
import type { Site } from './source.ts';
import { textOf } from './source.ts';

/**
 * Private members for instances of a class that was defined here, when one comes back from a worker: the class was not
 * rewritten, so its construction is stopped by a breakpoint before the constructor's body (see `probe.ts`). What does run
 * are the initialisers of its fields; their results are replaced.
 */

type Method = ESTree.MethodDefinition;

const opened = new WeakMap<object, PrivateLevel | null>();

/** Undefined when the class has no private members. `siteOf` finds the source of a class that goes by value. */
export function openClass(
  constructor: Callable,
  siteOf: (constructor: Callable) => Site | undefined,
): PrivateLevel | undefined {
  let level = opened.get(constructor);
  if (level === undefined) opened.set(constructor, (level = open(constructor, siteOf)));
  return level ?? undefined;
}

function open(constructor: Callable, siteOf: (constructor: Callable) => Site | undefined): PrivateLevel | null {
  const text = textOf(constructor);
  if (!text.startsWith('class') || !text.includes('#') || !isInspectable()) return null;
  const site = siteOf(constructor);
  if (site === undefined) return null;
  const { facts } = site;
  const names = privateElements(facts).map(({ name }) => name);
  const hidden = elements(facts).some(
    (element) => element.type === 'MethodDefinition' && !element.static && element.key?.type === 'PrivateIdentifier',
  );
  if (names.length === 0 && !hidden) return null;
  const derived = namesHeritage(facts);
  const own = elements(facts).find(
    (element): element is Method => element.type === 'MethodDefinition' && element.kind === 'constructor',
  );
  const construct = (prototype: object, object: object | undefined): object =>
    object === undefined ? constructAs(constructor, prototype) : constructOnto(constructor, object);
  return {
    derived,
    ...accessors(site, constructor, names),
    equip(prototype, object) {
      if (own === undefined) return construct(prototype, object);
      const after = derived ? endOfSuper(own, constructor) : (own.value.body as ESTree.BlockStatement).start! + 1;
      return probe(
        () => construct(prototype, object),
        'this',
        site.locate(after)!,
        site.locate(own.value.body!.end!)!,
      ) as object;
    },
  };
}

/** Code within the class that reads and writes its private fields, made inside one of its methods. */
function accessors(site: Site, constructor: Callable, names: readonly string[]): Pick<PrivateLevel, 'get' | 'set'> {
  if (names.length === 0) return { get: () => [], set: () => undefined };
  const gets = names.map((name) => `...(#${name} in o?[["${name}",o.#${name}]]:[])`).join(',');
  const sets = names.map((name) => `(x=take("${name}"))&&(o.#${name}=x.value)`).join(',');
  const expression = `{get:o=>[${gets}],set:(o,take,x)=>{${sets}}}`;
  for (const element of elements(site.facts)) {
    if (element.type !== 'MethodDefinition' || element.kind === 'constructor' || element.value.generator) continue;
    const method = methodOf(constructor, element);
    const { body } = element.value;
    if (method === undefined || !body) continue;
    try {
      return probe(method, expression, site.locate(body.start! + 1)!, site.locate(body.end!)!) as Pick<
        PrivateLevel,
        'get' | 'set'
      >;
    } catch {
      // The next method.
    }
  }
  throw new CaptureError(
    `Cannot receive {path}: the private fields of "${constructor.name}" cannot be set, as no method of it can be entered. Send its data.`,
  );
}

function methodOf(constructor: Callable, element: Method): object | undefined {
  const holder = (element.static ? constructor : Reflect.get(constructor, 'prototype')) as object;
  const { key } = element;
  const name =
    key?.type === 'Identifier' && !element.computed
      ? key.name
      : key?.type === 'Literal'
        ? String(key.value)
        : undefined;
  if (name === undefined) return undefined;
  const descriptor = Object.getOwnPropertyDescriptor(holder, name);
  const method: unknown = descriptor?.[element.kind === 'get' ? 'get' : element.kind === 'set' ? 'set' : 'value'];
  return typeof method === 'function' ? method : undefined;
}

/** Where the fields are there and nothing else has run: `super(...)` has to come first, and its arguments must do nothing. */
function endOfSuper(own: Method, constructor: Callable): number {
  const [first] = (own.value.body as ESTree.BlockStatement).body;
  const call =
    first?.type === 'ExpressionStatement' && first.expression.type === 'CallExpression' ? first.expression : undefined;
  if (call?.callee.type === 'Super' && call.arguments.every(isInert)) return first!.end!;
  throw new CaptureError(
    `Cannot receive {path}: it is an instance of "${constructor.name}", whose private fields can be set only if its constructor ` +
      'starts with a simple super(...). Send its data.',
  );
}

function isInert(node: ESTree.Node): boolean {
  switch (node.type) {
    case 'Identifier':
    case 'Literal':
      return true;
    case 'SpreadElement':
      return isInert(node.argument);
    case 'MemberExpression':
      return isInert(node.object) && (!node.computed || isInert(node.property));
    default:
      return false;
  }
}
