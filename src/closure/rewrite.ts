import type { ESTree } from 'meriyah';
import type { Code, Plain, Reference } from '../wire/forms.ts';
import { type FunctionFacts, type Mention, type Span, span } from './facts.ts';
import type { Site } from './source.ts';

/**
 * Turns the text of a function into text that a factory can hold (see `factory.ts`). Lines always stay, and columns where
 * that is possible: replacements are as long as what they replace.
 */

/** One captured variable and what becomes of its mentions. */
export interface Slot {
  /** `cell`: the variable is written somewhere and lives in an object shared by its closures. */
  readonly kind: 'value' | 'cell' | 'self' | 'arguments' | 'meta' | 'importer' | 'private';
  /** The name in the source, also the label in error paths. */
  readonly label: string;
  readonly mentions: readonly Mention[];
  /** Set when the receiver finds the value by itself. */
  readonly reference?: Reference;
  /** The members that are used of a transpiler's stand-in for a module, when only members are. */
  readonly members?: readonly string[];
}

interface Edit extends Span {
  readonly text: string;
}

/** A prefix that occurs nowhere in the text, so that no made-up name collides with one of the user's. */
function freePrefix(text: string): string {
  let prefix = '$';
  while (text.includes(prefix)) prefix += '$';
  return prefix;
}

/** The variable that a slot is in the factory. */
function variableOf(slot: Slot, prefix: string): string {
  const sized = (letters: string, length: number): string =>
    (prefix + letters).slice(0, Math.max(length, prefix.length + 1));
  switch (slot.kind) {
    case 'value':
      return slot.label;
    case 'cell':
      return `${prefix}v_${slot.label}`;
    case 'self':
      return sized('ths', 4);
    case 'arguments':
      return sized('rguments', 9);
    case 'meta':
      return sized('meta', 5);
    case 'importer':
      return sized('mport', 6);
    case 'private':
      return `${prefix}p_${slot.label.slice(1)}`;
  }
}

/** Keys of a class that are computed, with what they turned out to be. */
export type ComputedKeys = ReadonlyMap<ESTree.Node, string | symbol>;

export function rewrite(site: Site, slots: readonly Slot[], name: string, heritage: boolean, keys: ComputedKeys): Code {
  const { facts, text } = site;
  const prefix = freePrefix(text);
  const edits: Edit[] = [];
  const dead: Span[] = facts.kind === 'class' ? rewriteClass(site, prefix, heritage, keys, edits) : [];
  if (facts.kind === 'function') rewriteKey(site, edits);
  for (const slot of slots)
    for (const mention of slot.mentions) edits.push(...rewriteMention(slot, mention, prefix, text, site.base));
  const sourceMap = site.script?.sourceMap ?? '';
  const inlineMap = sourceMap.startsWith('data:');
  const names = slots.map((slot) => variableOf(slot, prefix));
  const references = slots.flatMap((slot, i): Plain[] =>
    slot.reference === undefined ? [] : [[i, slot.reference as unknown as Plain]],
  );
  return Object.freeze({
    define: 'code',
    names,
    kind: facts.kind === 'class' ? 'class' : 'function',
    text: apply(text, site.base, edits, dead),
    wrap:
      facts.kind === 'class' || facts.member === undefined
        ? 'expression'
        : facts.member === 'get' || facts.member === 'set'
          ? facts.member
          : 'method',
    prefix,
    name,
    strict: site.strict,
    url: site.url,
    line: site.line,
    column: site.column,
    sourceMap: inlineMap ? '' : sourceMap,
    mapped: inlineMap,
    references,
    privates: facts.kind === 'class' ? privateElements(facts).map((element) => element.name) : [],
    derived: heritage,
    tail: slots.some((slot) => slot.kind === 'private'),
  } satisfies Code);
}

function rewriteMention(slot: Slot, mention: Mention, prefix: string, text: string, base: number): Edit[] {
  if (slot.kind === 'value') return [];
  const variable = variableOf(slot, prefix);
  const length = mention.end - mention.start;
  const original = text.slice(mention.start - base, mention.end - base);
  // `__proto__: value` would set the prototype.
  const key = original === '__proto__' ? `['__proto__']` : original;
  const label = mention.role === 'shorthand' ? `${key}: ` : '';
  if (slot.kind !== 'cell') return [{ ...mention, text: label + variable.padEnd(length) }];
  // `f()` must not become `cell.v()`, which would pass the cell as `this`; `(0, cell.v)()` could join the line before.
  if (mention.role === 'called') return [{ ...mention, text: `${prefix}get(${variable})` }];
  return [{ ...mention, text: `${label}${variable}.v` }];
}

/** A lone method with a computed or private key gets a plain one: the key's value does not matter. */
function rewriteKey({ facts, text, base }: Site, edits: Edit[]): void {
  const { key } = facts;
  if (key === undefined || facts.member === undefined) return;
  if (key.node.type === 'PrivateIdentifier')
    edits.push({ ...span(key), text: `_${text.slice(key.start - base + 1, key.end - base)}` });
  else if (key.computed) edits.push({ start: key.start, end: key.end, text: '"k"' });
}

type FieldNode = ESTree.PropertyDefinition | ESTree.AccessorProperty;

interface PrivateElement {
  readonly name: string;
  readonly node: FieldNode;
}

/** The private fields of instances. (Private methods and accessors come with the class.) */
export function privateElements(facts: FunctionFacts): PrivateElement[] {
  return elements(facts).flatMap((node) =>
    node.type === 'PropertyDefinition' && !node.static && node.key.type === 'PrivateIdentifier'
      ? [{ name: node.key.name, node }]
      : [],
  );
}

export function staticPrivates(facts: FunctionFacts): string[] {
  return elements(facts).flatMap((node) =>
    node.type === 'PropertyDefinition' && node.static && node.key.type === 'PrivateIdentifier' ? [node.key.name] : [],
  );
}

export function hasPrivateMethods(facts: FunctionFacts): boolean {
  return elements(facts).some(
    (node) => node.type === 'MethodDefinition' && !node.static && node.key?.type === 'PrivateIdentifier',
  );
}

export function elements(facts: FunctionFacts): ESTree.ClassBody['body'] {
  return (facts.node as ESTree.ClassDeclaration).body.body;
}

/** Whether a class names a heritage that has to be handed over; `extends null` stays as it is. */
export function namesHeritage(facts: FunctionFacts): boolean {
  const { superClass } = facts.node as ESTree.ClassDeclaration;
  return !!superClass && !(superClass.type === 'Literal' && superClass.value === null);
}

/** What runs when a class is defined and must not run again: what it made travels as values. */
export function definitionTime(facts: FunctionFacts, keys: ComputedKeys): Span[] {
  const spans: Span[] = [];
  const { superClass } = facts.node as ESTree.ClassDeclaration;
  if (superClass && namesHeritage(facts)) spans.push(span(superClass));
  for (const element of elements(facts)) {
    if (element.type === 'StaticBlock') spans.push(span(element));
    else if (element.type === 'PropertyDefinition' && element.static && element.value) spans.push(span(element.value));
    if ('key' in element && element.key && keys.has(element.key)) spans.push(span(element.key));
  }
  return spans;
}

function rewriteClass(
  { facts, text, base }: Site,
  prefix: string,
  heritage: boolean,
  keys: ComputedKeys,
  edits: Edit[],
): Span[] {
  const node = facts.node as ESTree.ClassDeclaration;
  const dead = definitionTime(facts, keys);
  const replace = (at: Span, by: string): void => {
    edits.push({ ...at, text: pad(text.slice(at.start - base, at.end - base), by) });
  };
  let next = heritage ? 1 : 0;
  for (const element of elements(facts)) {
    if (element.type === 'StaticBlock') replace(span(element), '');
    else if (element.type === 'PropertyDefinition' && element.static && element.value)
      replace(span(element.value), '0');
    if (!('key' in element) || !element.key) continue;
    const key = keys.get(element.key);
    if (typeof key === 'string') replace(span(element.key), JSON.stringify(key));
    else if (typeof key === 'symbol') replace(span(element.key), `${prefix}first[${next++}]`);
  }
  if (heritage) replace(span(node.superClass!), `${prefix}first[0]`);
  rewritePrivates(facts, prefix, heritage, edits);
  return dead;
}

/** See `private-fields.ts` for how bare instances are made. */
function rewritePrivates(facts: FunctionFacts, prefix: string, heritage: boolean, edits: Edit[]): void {
  const fields = privateElements(facts);
  const statics = staticPrivates(facts);
  const tools = `${prefix}tools`;
  const insert = (at: number, text: string): number => edits.push({ start: at, end: at, text });
  const { end } = (facts.node as ESTree.ClassDeclaration).body;
  if (fields.length > 0 || hasPrivateMethods(facts)) {
    for (const element of elements(facts)) {
      if (element.type === 'PropertyDefinition' && !element.static && element.value)
        insert(element.value.start!, `${tools}.on?void 0:`);
      else if (element.type === 'MethodDefinition' && element.kind === 'constructor') {
        const body = element.value.body as ESTree.BlockStatement;
        insert(body.start! + 1, heritage ? `if(${tools}.on){super();return}` : `if(${tools}.on)return;`);
      }
    }
    const gets = fields.map(({ name }) => `if(#${name} in o)l.push(["${name}",o.#${name}]);`).join('');
    const sets = fields.map(({ name }) => `if(x=take("${name}"))o.#${name}=x.value;`).join('');
    insert(end! - 1, `;static{${tools}.get=(o)=>{const l=[];${gets}return l};${tools}.set=(o,take)=>{let x;${sets}}}`);
  }
  if (statics.length > 0) {
    const sets = statics.map((name) => `this.#${name}=${prefix}p_${name};`).join('');
    insert(end! - 1, `;static{${tools}.after=()=>{${sets}}}`);
  }
}

/** A replacement that ends where the original did: same lines, and the same column where it is not longer. */
function pad(original: string, by: string): string {
  const lines = original.split('\n');
  if (lines.length === 1) return by.padEnd(original.length);
  return by + '\n'.repeat(lines.length - 1) + ' '.repeat(lines.at(-1)!.length);
}

function apply(text: string, base: number, edits: readonly Edit[], dead: readonly Span[]): string {
  const inside = (edit: Edit): boolean =>
    dead.some(
      (at) => edit.start >= at.start && edit.end <= at.end && !(edit.start === at.start && edit.end === at.end),
    );
  let result = '';
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (inside(edit) || edit.start - base < at) continue;
    result += text.slice(at, edit.start - base) + edit.text;
    at = edit.end - base;
  }
  return result + text.slice(at);
}
