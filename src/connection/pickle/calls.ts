import { unsendable } from '../../wire/unsendable.ts';
import { types } from 'node:util';
import { PlainDate, PlainDateTime, plainOf, PlainTime, TimeDelta, TimeZone } from './datetime.ts';
import { dateState, dateTimeState, timeState } from './datetime-bytes.ts';

/** A value that Python makes by calling something. */
export interface Call {
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** How Python makes the like of a value; undefined when it is data, or nothing that can be sent. */
export type CallOf = (value: object) => Call | undefined;

/** A class or function of Python's, as a value: an argument of a call. */
export class PythonName {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }
}

const utc = new TimeZone();

/** How Python makes the like of this; undefined when it is none of those that are known here. */
export function callOf(value: object): Call | undefined {
  if (types.isDate(value)) {
    const plain = plainOf(value);
    if (plain === undefined) throw unsendable('Python has no date outside of the years 1 to 9999', '');
    return dateTime('datetime', dateTimeState(plain), utc);
  }
  if (value instanceof PlainDateTime) return dateTime('datetime', dateTimeState(value));
  if (value instanceof PlainDate) return dateTime('date', dateState(value));
  if (value instanceof PlainTime) {
    const { timeZone } = value;
    return timeZone === undefined ? dateTime('time', timeState(value)) : dateTime('time', timeState(value), timeZone);
  }
  if (value instanceof TimeDelta) return dateTime('timedelta', value.days, value.seconds, value.microseconds);
  if (value instanceof TimeZone) {
    const { offset, name } = value;
    return name === undefined ? dateTime('timezone', offset) : dateTime('timezone', offset, name);
  }
  return undefined;
}

function dateTime(name: string, ...args: readonly unknown[]): Call {
  return { module: 'datetime', name, args };
}
