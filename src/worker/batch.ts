import type { Reader } from '../wire/reader.ts';
import { decodeColumn } from '../wire/column.ts';
import type { Decoder } from '../wire/decoder.ts';
import { RunFlag } from '../wire/messages.ts';

export type TaskFunction = (...args: unknown[]) => unknown;

/** A function of the worker, with what was learnt about it. */
export interface KnownFunction {
  /** Undefined when it could not be rebuilt; then `error` says why. */
  readonly task: TaskFunction | undefined;
  readonly error: unknown;
  /** It returns promises: its tasks get an asynchronous context of their own. */
  isAsync: boolean;
}

/** A batch of tasks as it came, and how far it is. */
export interface Batch {
  readonly fn: KnownFunction;
  readonly sequence: number;
  readonly count: number;
  readonly firstTaskId: number;
  readonly attempt: number;
  readonly args: unknown[];
  readonly spread: boolean;
  readonly whole: boolean;
  readonly timed: boolean;
  /** Arguments that could not be decoded. */
  readonly failures: Map<number, unknown> | undefined;
  /** The next item to begin. */
  at: number;
}

export function readBatch(
  reader: Reader,
  decoder: Decoder,
  attachments: readonly (ArrayBuffer | SharedArrayBuffer)[],
  functions: ReadonlyMap<number, KnownFunction>,
): Batch {
  const number = reader.varint();
  const sequence = reader.varint();
  const count = reader.varint();
  const firstTaskId = reader.varint();
  const attempt = reader.varint();
  const flags = reader.u8();
  decoder.attachments = attachments;
  let failures: Map<number, unknown> | undefined;
  const args = decodeColumn(decoder, reader, count, (index, error) => (failures ??= new Map()).set(index, error));
  const missing: KnownFunction = {
    task: undefined,
    error: new Error(`Function ${number} is not known.`),
    isAsync: false,
  };
  return {
    fn: functions.get(number) ?? missing,
    sequence,
    count,
    firstTaskId,
    attempt,
    args,
    spread: (flags & RunFlag.spread) !== 0,
    whole: (flags & RunFlag.whole) !== 0,
    timed: (flags & RunFlag.timed) !== 0,
    failures,
    at: 0,
  };
}
