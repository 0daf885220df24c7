import { UnpicklingError } from '../../errors.ts';
import { instantOf, TimeDelta, TimeZone } from './datetime.ts';
import { checked, readDate, readDateTime, readTime } from './datetime-bytes.ts';

/** Counts what is copied, so that a short message cannot copy a long value again and again. */
export type Charge = (count: number) => void;

/** What a pickle may name and call: it makes data out of data. */
export interface Known {
  readonly make: (args: readonly unknown[], charge: Charge) => unknown;
  /** Python's `__setstate__`: changes the value. Without it a state is refused. */
  readonly build?: (value: unknown, state: unknown) => void;
}

/** Finds what a pickle names; undefined: it is refused. */
export type Globals = (module: string, name: string) => Known | undefined;

type Make = Known['make'];

const bytes: Make = ([value, encoding], charge) => {
  if (value === undefined) return new Uint8Array();
  if (value instanceof Uint8Array) {
    charge(value.length);
    return new Uint8Array(value);
  }
  if (typeof value !== 'string' || !/^latin-?1$/i.test(String(encoding))) throw malformed('bytes');
  charge(value.length);
  if (/[^\u0000-\u00ff]/.test(value)) throw malformed('bytes');
  return new Uint8Array(Buffer.from(value, 'latin1'));
};

const set: Make = ([items = []], charge) => {
  if (!Array.isArray(items)) throw malformed('a set');
  charge(items.length);
  return new Set<unknown>(items);
};

const timeZone = (zone: unknown): TimeZone | undefined => {
  if (zone === undefined || zone instanceof TimeZone) return zone;
  throw malformed('a time zone');
};

const dateTime: Make = ([state, zone]) => {
  const plain = readDateTime(stateOf(state));
  const fixed = timeZone(zone);
  return fixed === undefined ? plain : instantOf(plain, fixed);
};

const timeDelta: Make = ([days = 0, seconds = 0, microseconds = 0]) =>
  checked(() => new TimeDelta(days as number, seconds as number, microseconds as number));

const timezone: Make = ([offset, name]) => {
  if (!(offset instanceof TimeDelta) || (name !== undefined && typeof name !== 'string'))
    throw malformed('a time zone');
  return checked(() => new TimeZone(offset, name));
};

/** What CPython's pickles of plain data call: older protocols have no instructions for sets and bytes. */
const makers: ReadonlyMap<string, Make> = new Map<string, Make>([
  ['builtins.set', set],
  ['builtins.frozenset', (args, charge) => Object.freeze(set(args, charge))],
  ['builtins.bytes', bytes],
  ['builtins.bytearray', bytes],
  ['_codecs.encode', bytes],
  ['datetime.date', ([state]) => readDate(stateOf(state))],
  ['datetime.time', ([state, zone]) => readTime(stateOf(state), timeZone(zone))],
  ['datetime.datetime', dateTime],
  ['datetime.timedelta', timeDelta],
  ['datetime.timezone', timezone],
]);

export const plainGlobals: Globals = (module, name) => {
  // Up to protocol 2 the module has the name that it had in Python 2.
  const make = makers.get(`${module === '__builtin__' ? 'builtins' : module}.${name}`);
  return make && { make };
};

function stateOf(state: unknown): Uint8Array {
  if (state instanceof Uint8Array) return state;
  throw malformed('a date or time');
}

function malformed(what: string): UnpicklingError {
  return new UnpicklingError(`The message holds ${what} of something else.`);
}
