import { inspect } from 'node:util';

/** What `console.log` shows of the instances of a class: `<Pool state=running>` for the text ` state=running`. */
export function showAs<T extends object>({ prototype }: { readonly prototype: T }, text: (value: T) => string): void {
  Object.defineProperty(prototype, inspect.custom, {
    value(this: T): string {
      return `<${this.constructor.name}${text(this)}>`;
    },
  });
}
