import { inspect } from 'node:util';

/** What `console.log` and template strings show of the instances of a class: `SharedValue(3)`. */
export function inspectAs<T extends object>(
  { prototype }: { readonly prototype: T },
  text: (value: T) => string,
): void {
  const method = {
    value(this: T): string {
      return text(this);
    },
    writable: true,
    configurable: true,
  };
  Object.defineProperties(prototype, { [inspect.custom]: method, toString: method });
}

/** The same for what has no value: `<Pool state=running>` for the text ` state=running`. */
export function showAs<T extends object>(shown: { readonly prototype: T }, text: (value: T) => string): void {
  inspectAs(shown, (value) => `<${value.constructor.name}${text(value)}>`);
}
