import { UnpicklingError } from '../../errors.ts';
import type { NumberArray } from '../proxies/value.ts';

type Make = new (buffer: ArrayBuffer) => NumberArray | BigInt64Array | BigUint64Array;

/** By Python's type codes, as its numbers are on 64-bit machines other than Windows. */
const types: ReadonlyMap<unknown, Make> = new Map<unknown, Make>([
  ['b', Int8Array],
  ['B', Uint8Array],
  ['h', Int16Array],
  ['H', Uint16Array],
  ['i', Int32Array],
  ['I', Uint32Array],
  ['l', BigInt64Array],
  ['L', BigUint64Array],
  ['q', BigInt64Array],
  ['Q', BigUint64Array],
  ['f', Float32Array],
  ['d', Float64Array],
]);

/** What a manager's server sends of an `array.array`: its type code and bytes. */
export function arrayOf([typecode, bytes]: readonly unknown[]): NumberArray {
  const type = types.get(typecode);
  if (type === undefined || !(bytes instanceof Uint8Array))
    throw new UnpicklingError('The message holds an array of something else than numbers.');
  let array;
  try {
    array = new type(Uint8Array.from(bytes).buffer);
  } catch (cause) {
    throw new UnpicklingError('The message holds an array that ends early.', undefined, { cause });
  }
  return array instanceof BigInt64Array || array instanceof BigUint64Array
    ? Float64Array.from(Array.from(array, Number))
    : array;
}
