import { UnpicklingError } from '../../errors.ts';

/** Python itself reads no longer ones from text: that takes time with the square of the length. */
const mostDigits = 4_300;
const mostBytes = 2 ** 20;
/** A number of 64 bits says all that it has in fewer. */
const mostLetters = 1_000;

/** Python's int: a number where that is exact, a BigInt beyond. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A whole number in two's complement, the lowest byte first. */
export function decodeLong(bytes: Buffer): number | bigint {
  if (bytes.length === 0) return 0;
  if (bytes.length <= 6) return bytes.readIntLE(0, bytes.length);
  if (bytes.length > mostBytes)
    throw new UnpicklingError(`The message holds a whole number of ${bytes.length} bytes: ${mostBytes} are read.`);
  const unsigned = BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`);
  return narrow(BigInt.asIntN(8 * bytes.length, unsigned));
}

export function encodeLong(value: bigint): Buffer {
  // One bit more than the digits have, for the sign.
  const digits = (value < 0n ? -value : value).toString(16);
  const count = (digits.length >> 1) + 1;
  const hex = BigInt.asUintN(8 * count, value).toString(16);
  const bytes = Buffer.from(Buffer.from(hex.padStart(2 * count, '0'), 'hex').toReversed());
  // Python leaves a byte out that only repeats the sign.
  const last = bytes[count - 1];
  const repeats = count > 1 && last === (bytes[count - 2]! < 0x80 ? 0 : 0xff);
  return repeats ? bytes.subarray(0, count - 1) : bytes;
}

/** Protocol 0: `12`, `12L`. */
export function parseInteger(text: string): number | bigint {
  const [, digits] = /^([+-]?\d+)L?$/.exec(text) ?? [];
  if (digits === undefined || digits.length > mostDigits)
    throw new UnpicklingError('The message holds a whole number that is none, or is too long.');
  return narrow(BigInt(digits.startsWith('+') ? digits.slice(1) : digits));
}

/** Protocol 0: `1.5`, `1e+300`, `-inf`, `nan`. */
export function parseFloat64(text: string): number {
  if (/^[+-]?inf$/.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^[+-]?nan$/.test(text)) return Number.NaN;
  if (text.length > mostLetters || !/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(text))
    throw new UnpicklingError('The message holds a number that is none.');
  return Number(text);
}
