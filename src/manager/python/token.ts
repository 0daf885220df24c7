import { UnpicklingError } from '../../errors.ts';

/** What a Python server's object is called by its proxies. Python: `multiprocessing.managers.Token`. */
export class Token {
  typeid: string;
  /** As Python has it. What came from a server is one of its own objects, whatever this says. */
  address: unknown;
  id: string;

  constructor(typeid = '', address: unknown = null, id = '') {
    this.typeid = typeid;
    this.address = address;
    this.id = id;
  }

  /** Python's `__setstate__`. */
  read(state: unknown): void {
    const [typeid, address, id]: readonly unknown[] = Array.isArray(state) ? state : [];
    if (typeof typeid !== 'string' || typeof id !== 'string')
      throw new UnpicklingError('The message holds a token of something else.');
    this.typeid = typeid;
    this.address = address;
    this.id = id;
  }
}

/** Part of a sequence, as Python writes it: `start:end`. */
export class PythonSlice {
  readonly start: unknown;
  readonly end: unknown;

  constructor(start?: unknown, end?: unknown) {
    this.start = start;
    this.end = end;
  }
}

/** An exception, or an instance of any other class of Python's: its name and arguments, and nothing that runs. */
export class PythonInstance {
  /** Without its module where that is Python's own. */
  readonly name: string;
  readonly args: readonly unknown[];

  constructor(name: string, args: readonly unknown[]) {
    this.name = name;
    this.args = args;
  }
}
