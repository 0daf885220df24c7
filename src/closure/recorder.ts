import type { ESTree } from 'meriyah';
import { type FunctionFacts, type Mention, type Scope, span } from './facts.ts';
import { declaring, isInside, newFacts } from './tree.ts';

/** Collects what the walk over a script meets, for each function that it is in. */
export class Recorder {
  readonly functions: FunctionFacts[] = [];
  /** The functions around the present place, outermost first. */
  readonly around: FunctionFacts[] = [];
  /** Classes of those whose heritage, or a key of which, the present place is in: `this` is not theirs there. */
  readonly #defining = new Set<FunctionFacts>();
  /** Whether the present place is in strict mode. */
  strict = false;

  mention(
    node: ESTree.Identifier,
    scope: Scope,
    written: boolean,
    role: Mention['role'] = 'plain',
    member?: string,
  ): void {
    const found = declaring(scope, node.name);
    const binding = found?.variables.get(node.name);
    if (binding !== undefined && written) binding.written = true;
    for (let i = this.around.length - 1; i >= 0; i--) {
      const facts = this.around[i]!;
      if (found !== undefined && isInside(found, facts.outer)) break;
      let variable = facts.free.get(node.name);
      if (variable === undefined)
        facts.free.set(node.name, (variable = { name: node.name, binding, mentions: [], written: false }));
      variable.written ||= written;
      variable.mentions.push({ ...span(node), role, member });
    }
  }

  /** `this`, `super`, `new.target` belong to the nearest function that is no arrow, and to the arrows on the way. */
  lexical(note: (facts: FunctionFacts) => void): void {
    for (let i = this.around.length - 1; i >= 0; i--) {
      const facts = this.around[i]!;
      if (this.#defining.has(facts)) continue;
      note(facts);
      if (!facts.arrow) return;
    }
  }

  /** Walks what a class needs to be defined. */
  whileDefining(facts: FunctionFacts, walk: () => void): void {
    this.#defining.add(facts);
    walk();
    this.#defining.delete(facts);
  }

  open(
    node: FunctionFacts['node'],
    kind: FunctionFacts['kind'],
    outer: Scope,
    detail: Partial<FunctionFacts> = {},
  ): FunctionFacts {
    const facts: FunctionFacts = { ...newFacts(node, kind, outer, this.strict), ...detail };
    if (kind !== 'initialiser') this.functions.push(facts);
    this.around.push(facts);
    return facts;
  }
}
