import { inspect } from 'node:util';
import { Managed } from '../managed.ts';
import { Packed } from '../packed.ts';

/** A value as text, for people. */
export function text(value: unknown): string {
  return inspect(value, { depth: 4, maxArrayLength: 100, maxStringLength: 1_000, breakLength: Infinity });
}

Object.defineProperty(Managed.prototype, inspect.custom, {
  value(this: Managed): string {
    return `<${this.type.name}>`;
  },
});

Object.defineProperty(Packed.prototype, inspect.custom, {
  value(): string {
    return '<instance>';
  },
});
