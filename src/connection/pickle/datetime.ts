import { checkCount } from '../../arguments.ts';

// Python's dates and times. An instant is a Date here: a `datetime` with a time zone, to the millisecond. Those below have no
// counterpart in JavaScript; they hold what Python's hold, so that they come back as they went.

const msPerDay = 86_400_000;

/** A day of the calendar. Python: `datetime.date`. */
export class PlainDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;

  /**
   * @param year - 1 to 9999.
   * @param month - 1 to 12.
   * @param day - 1 to the length of the month.
   * @throws ArgumentRangeError when there is no such day.
   */
  constructor(year: number, month: number, day: number) {
    checkCount('year', year, 1, 9_999);
    checkCount('month', month, 1, 12);
    checkCount('day', day, 1, daysIn(year, month));
    this.year = year;
    this.month = month;
    this.day = day;
  }

  toString(): string {
    return `${digits(this.year, 4)}-${digits(this.month)}-${digits(this.day)}`;
  }
}

/** A time of day, of no day and no time zone unless it says so. Python: `datetime.time`. */
export class PlainTime {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly microsecond: number;
  readonly timeZone: TimeZone | undefined;

  /** @throws ArgumentRangeError when there is no such time. */
  constructor(hour = 0, minute = 0, second = 0, microsecond = 0, timeZone?: TimeZone) {
    checkCount('hour', hour, 0, 23);
    checkCount('minute', minute, 0, 59);
    checkCount('second', second, 0, 59);
    checkCount('microsecond', microsecond, 0, 999_999);
    this.hour = hour;
    this.minute = minute;
    this.second = second;
    this.microsecond = microsecond;
    this.timeZone = timeZone;
  }

  toString(): string {
    const fraction = this.microsecond === 0 ? '' : `.${digits(this.microsecond, 6)}`;
    return `${digits(this.hour)}:${digits(this.minute)}:${digits(this.second)}${fraction}`;
  }
}

/** A day and a time of day without a time zone, which is no instant. Python: `datetime.datetime` that is "naive". */
export class PlainDateTime {
  readonly date: PlainDate;
  readonly time: PlainTime;

  /**
   * @example
   * ```ts
   * import { PlainDate, PlainDateTime, PlainTime } from 'manycore/connection';
   * const start = new PlainDateTime(new PlainDate(2026, 11, 21), new PlainTime(9, 30));
   * console.log(String(start)); // 2026-11-21T09:30:00
   * ```
   */
  constructor(date: PlainDate, time: PlainTime = new PlainTime()) {
    this.date = date;
    this.time = time;
  }

  toString(): string {
    return `${this.date.toString()}T${this.time.toString()}`;
  }
}

/** A length of time to the microsecond. Python: `datetime.timedelta`. */
export class TimeDelta {
  readonly days: number;
  /** 0 to 86,399. */
  readonly seconds: number;
  /** 0 to 999,999. */
  readonly microseconds: number;

  /**
   * Takes any whole numbers and brings them into Python's form, in which only the days may be negative.
   *
   * @throws ArgumentRangeError above 999,999,999 days, as in Python.
   */
  constructor(days = 0, seconds = 0, microseconds = 0) {
    checkCount('days', Math.abs(days), 0);
    checkCount('seconds', Math.abs(seconds), 0);
    checkCount('microseconds', Math.abs(microseconds), 0);
    const allSeconds = seconds + Math.floor(microseconds / 1e6);
    const allDays = days + Math.floor(allSeconds / 86_400);
    checkCount('days', Math.abs(allDays), 0, 999_999_999);
    this.days = allDays;
    this.seconds = allSeconds - Math.floor(allSeconds / 86_400) * 86_400;
    this.microseconds = microseconds - Math.floor(microseconds / 1e6) * 1e6;
  }

  get milliseconds(): number {
    return this.days * msPerDay + this.seconds * 1e3 + this.microseconds / 1e3;
  }
}

/** A fixed distance from UTC. Python: `datetime.timezone`. */
export class TimeZone {
  readonly offset: TimeDelta;
  readonly name: string | undefined;

  constructor(offset: TimeDelta = new TimeDelta(), name?: string) {
    checkCount('the milliseconds of an offset', Math.floor(Math.abs(offset.milliseconds)), 0, msPerDay - 1);
    this.offset = offset;
    this.name = name;
  }
}

/** The instant at which clocks in the zone show this. */
export function instantOf({ date, time }: PlainDateTime, { offset }: TimeZone): Date {
  const instant = new Date(0);
  // `Date.UTC` takes the years up to 99 for those of the last century.
  instant.setUTCFullYear(date.year, date.month - 1, date.day);
  instant.setUTCHours(time.hour, time.minute, time.second, Math.floor(time.microsecond / 1e3));
  return new Date(instant.getTime() - Math.round(offset.milliseconds));
}

/** What a clock in UTC shows; undefined outside of the years 1 to 9999, which Python does not have. */
export function plainOf(instant: Date): PlainDateTime | undefined {
  const year = instant.getUTCFullYear();
  if (!(year >= 1 && year <= 9_999)) return undefined;
  return new PlainDateTime(
    new PlainDate(year, instant.getUTCMonth() + 1, instant.getUTCDate()),
    new PlainTime(
      instant.getUTCHours(),
      instant.getUTCMinutes(),
      instant.getUTCSeconds(),
      instant.getUTCMilliseconds() * 1e3,
    ),
  );
}

function daysIn(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;
}

function digits(value: number, count = 2): string {
  return String(value).padStart(count, '0');
}
