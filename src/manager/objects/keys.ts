import { ArgumentTypeError } from '../../errors.ts';
import { DataEncoder } from '../../wire/data-encoder.ts';
import { Writer } from '../../wire/writer.ts';
import { Managed } from '../managed.ts';
import { Packed } from '../packed.ts';

const mark = '\u0001';
const scratch = new Writer(256);
const encoder = new DataEncoder({
  special: (value, { writer }) => {
    if (!(value instanceof Managed)) return false;
    writer.string(`\u0000${value.id}`);
    return true;
  },
});

/**
 * What stands for a key in a Map. A list or a record that came from outside is a new object each time: it is told by its
 * contents, as a tuple is in Python.
 */
export function tokenOf(key: unknown): unknown {
  if (typeof key === 'string') return key.startsWith(mark) ? `${mark}s${key}` : key;
  if (typeof key !== 'object' || key === null || key instanceof Managed) return key;
  if (key instanceof Packed)
    throw new ArgumentTypeError('Cannot use this as a key: expected data, not an instance of a class or a function.');
  scratch.length = 0;
  encoder.message(scratch, key);
  return mark + scratch.bytes.toString('latin1', 0, scratch.length);
}

export function isToken(token: unknown): token is string {
  return typeof token === 'string' && token.startsWith(mark);
}
