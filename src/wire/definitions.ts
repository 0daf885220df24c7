import type { Definition } from './forms.ts';

const numbers = new WeakMap<Definition, number>();
let last = 0;

/** The number by which this side calls a piece of code or a reference on all its channels. */
export function definitionId(definition: Definition): number {
  let id = numbers.get(definition);
  if (id === undefined) numbers.set(definition, (id = ++last));
  return id;
}
