import { UnpicklingError } from '../../errors.ts';
import { PlainDate, PlainDateTime, PlainTime, type TimeZone } from './datetime.ts';

// The state of Python's dates and times, as their own pickles have it: fields of fixed size, the highest byte first.

const dateBytes = 4;
const timeBytes = 6;

/** A time that comes twice in a day, when a clock is set back, is marked in the highest bit when it is the second one. */
const foldBit = 0x80;

export function dateState({ year, month, day }: PlainDate): Buffer {
  return Buffer.from([year >> 8, year & 0xff, month, day]);
}

export function timeState({ hour, minute, second, microsecond }: PlainTime): Buffer {
  const bytes = Buffer.from([hour, minute, second, 0, 0, 0]);
  bytes.writeUIntBE(microsecond, 3, 3);
  return bytes;
}

export function dateTimeState({ date, time }: PlainDateTime): Buffer {
  return Buffer.concat([dateState(date), timeState(time)]);
}

export function readDate(state: Uint8Array): PlainDate {
  if (state.length !== dateBytes) throw malformed();
  const [high = 0, low = 0, month = 0, day = 0] = state;
  return checked(() => new PlainDate(high * 256 + low, month, day));
}

export function readTime(state: Uint8Array, zone?: TimeZone): PlainTime {
  if (state.length !== timeBytes) throw malformed();
  const [hour = 0, minute = 0, second = 0, high = 0, middle = 0, low = 0] = state;
  return checked(() => new PlainTime(hour & ~foldBit, minute, second, high * 65_536 + middle * 256 + low, zone));
}

export function readDateTime(state: Uint8Array): PlainDateTime {
  if (state.length !== dateBytes + timeBytes) throw malformed();
  const date = Buffer.from(state.subarray(0, dateBytes));
  // Here it is the month that has it.
  date[2]! &= ~foldBit;
  return new PlainDateTime(readDate(date), readTime(state.subarray(dateBytes)));
}

export function checked<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw malformed(error);
  }
}

function malformed(cause?: unknown): UnpicklingError {
  return new UnpicklingError('The message holds a date or time that does not exist.', undefined, { cause });
}
