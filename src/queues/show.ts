import { inspect } from 'node:util';

/** What `console.log` shows of the instances of a class: `<Queue size=3>`. */
export function showAs<T extends object>(
  constructor: abstract new (...args: never[]) => T,
  text: (value: T) => string,
): void {
  Object.defineProperty(constructor.prototype, inspect.custom, {
    value(this: T): string {
      return `<${this.constructor.name} ${text(this)}>`;
    },
  });
}
