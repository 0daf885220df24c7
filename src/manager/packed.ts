import type { Managed } from './managed.ts';

/** A value with functions or classes in it, as it came: a server keeps it and hands it on without looking into it. */
export class Packed {
  readonly bytes: Buffer;
  /** A function that is the same however often it is decoded. */
  readonly isConstant: boolean;
  /** The shared objects that it refers to, which live as long as it does. */
  readonly references: readonly Managed[];

  constructor(bytes: Buffer, isConstant: boolean, references: readonly Managed[]) {
    this.bytes = bytes;
    this.isConstant = isConstant;
    this.references = references;
  }
}
