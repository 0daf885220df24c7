import { longestTimerMs } from '../limits.ts';
import { checkFunction, checkKeys, show } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
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
    throw new ArgumentTypeError(`Cannot use progress ${show(option)}: expected true, a label, options or a function.`);
  }
  checkKeys('progress', option, known);
  const { label = defaultLabel, stream, interval = intervalMsDefault, onUpdate } = option;
  if (typeof label !== 'string')
    throw new ArgumentTypeError(`Cannot use progress.label ${show(label)}: expected a string.`);
  if (typeof interval !== 'number')
    throw new ArgumentTypeError(`Cannot use progress.interval ${show(interval)}: expected milliseconds.`);
  if (!(interval >= 1 && interval <= longestTimerMs)) {
    throw new ArgumentRangeError(
      `Cannot use progress.interval ${interval}: expected milliseconds from 1 to ${longestTimerMs}.`,
    );
  }
  if (onUpdate !== undefined) checkFunction('progress.onUpdate', onUpdate);
  if (stream !== undefined && (typeof stream !== 'object' || stream === null || typeof stream.write !== 'function')) {
    throw new ArgumentTypeError(
      `Cannot use progress.stream ${show(stream)}: expected a stream, such as process.stderr.`,
    );
  }
  return { label: cleanLabel(label), intervalMs: interval, stream, onUpdate, visible: true };
}
