import { longestTimerMs } from '../limits.ts';
import { inspect } from 'node:util';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { suggest } from '../suggest.ts';
import type { ProgressOption, ProgressSnapshot, ProgressStream } from './types.ts';
import { cleanLabel } from './width.ts';

/** Ten times a second looks fluent and costs nothing that can be measured. */
const intervalMsDefault = 100;

export interface ProgressSettings {
  readonly label: string;
  readonly intervalMs: number;
  /** Undefined: the host's stderr. */
  readonly stream: ProgressStream | undefined;
  readonly onUpdate: ((snapshot: ProgressSnapshot) => void) | undefined;
  /** False for the callback form, which draws nothing. */
  readonly visible: boolean;
}

const known = ['label', 'stream', 'interval', 'onUpdate'];

/** What other progress bars call it. */
const synonyms: ReadonlyMap<string, string> = new Map([
  ['desc', 'label'],
  ['description', 'label'],
  ['name', 'label'],
  ['title', 'label'],
  ['file', 'stream'],
  ['output', 'stream'],
  ['mininterval', 'interval'],
  ['intervalms', 'interval'],
  ['callback', 'onUpdate'],
  ['onprogress', 'onUpdate'],
]);

function suggestion(key: string): string {
  const meant = synonyms.get(key.toLowerCase().replaceAll('_', '')) ?? suggest(key, known);
  return meant === undefined ? `it takes ${known.join(', ')}` : `did you mean "${meant}"?`;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'number' || typeof value === 'string' ? inspect(value) : `a value of type ${typeof value}`;
}

function reject(what: string, expected: string, value: unknown): never {
  throw new ArgumentTypeError(`Cannot use ${what}: expected ${expected}, received ${describe(value)}`);
}

/** Checks the `progress` option; undefined means that none is wanted. */
export function readProgressOption(
  option: ProgressOption | undefined,
  defaultLabel: string,
): ProgressSettings | undefined {
  if (option === undefined || option === false) return undefined;
  const settings = {
    label: cleanLabel(defaultLabel),
    intervalMs: intervalMsDefault,
    stream: undefined,
    onUpdate: undefined,
    visible: true,
  };
  if (option === true) return settings;
  if (typeof option === 'string') return { ...settings, label: cleanLabel(option) };
  if (typeof option === 'function') return { ...settings, onUpdate: option, visible: false };
  if (typeof option !== 'object' || option === null || Array.isArray(option)) {
    reject('progress', 'true, a label, options or a function', option);
  }

  for (const key of Object.keys(option)) {
    if (!known.includes(key)) throw new ArgumentTypeError(`Unknown option "${key}" of progress: ${suggestion(key)}`);
  }
  const { label = defaultLabel, stream, interval = intervalMsDefault, onUpdate } = option;
  if (typeof label !== 'string') reject('progress.label', 'a string', label);
  if (typeof interval !== 'number') reject('progress.interval', 'milliseconds', interval);
  if (!(interval >= 1 && interval <= longestTimerMs)) {
    throw new ArgumentRangeError(
      `Cannot use progress.interval: expected milliseconds from 1 to ${longestTimerMs}, received ${interval}`,
    );
  }
  if (onUpdate !== undefined && typeof onUpdate !== 'function') reject('progress.onUpdate', 'a function', onUpdate);
  if (stream !== undefined && (typeof stream !== 'object' || stream === null || typeof stream.write !== 'function')) {
    reject('progress.stream', 'a stream such as process.stderr', stream);
  }
  return { label: cleanLabel(label), intervalMs: interval, stream, onUpdate, visible: true };
}
