import { ArgumentTypeError } from '../../errors.ts';

/** How Python makes what our types are made of. */
export interface Creation {
  readonly args: readonly unknown[];
  readonly named?: object;
}

/** Our names of types of numbers. */
const typecodes: ReadonlyMap<unknown, string> = new Map([
  ['i8', 'b'],
  ['u8', 'B'],
  ['i16', 'h'],
  ['u16', 'H'],
  ['i32', 'i'],
  ['u32', 'I'],
  ['f32', 'f'],
  ['f64', 'd'],
]);

type Make = (...args: readonly unknown[]) => Creation;

const typed: Make = (typecode, ...args) => ({ args: [typecodes.get(typecode) ?? typecode, ...args] });

const makers: ReadonlyMap<string, Make> = new Map<string, Make>([
  ['Namespace', (values) => ({ args: [], named: values as object })],
  ['Value', typed],
  [
    'Array',
    (typecode, init) => typed(typecode, typeof init === 'number' ? Array.from({ length: init }, () => 0) : init),
  ],
  ['Barrier', barrier],
  [
    'Pool',
    () => {
      throw new ArgumentTypeError('A pool in a Python server runs functions of Python only: there is no proxy for it.');
    },
  ],
]);

function barrier(parties: unknown, action: unknown, timeout: unknown): Creation {
  if (action !== undefined) throw new ArgumentTypeError('A barrier in a Python server has no action of JavaScript.');
  return { args: typeof timeout === 'number' ? [parties, null, timeout / 1_000] : [parties] };
}

export function creationOf(type: string, args: readonly unknown[]): Creation {
  return makers.get(type)?.(...args) ?? { args };
}
