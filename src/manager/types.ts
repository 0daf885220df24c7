import type { Call } from './objects/call.ts';

/** What a method of a shared object is, to those that call it from outside. */
export type Method = (this: object, call: Call, ...args: unknown[]) => unknown;

/** A kind of shared object, on its server. */
export interface ObjectType {
  readonly name: string;
  /** Which kind of proxy stands for it. */
  readonly proxy: string;
  readonly create: (call: Call, ...args: unknown[]) => unknown;
  /** What code of the user's gave where it said that this is of the type: an object of it, or one made of plain data. */
  adopt(made: unknown, call: Call): object | PromiseLike<object>;
  /** Nobody refers to it any more. */
  gone?(target: object): void;
  /** What may be called, and nothing else. */
  methodsOf(target: object): ReadonlyMap<string, Method>;
  /** Methods whose results stay on the server: name of the method -> name of the type. */
  readonly results: ReadonlyMap<string, string>;
  /** The user's code: its arguments are as it would get them here. */
  readonly isUsers: boolean;
}
