/** One state of a call as a line: for a terminal, and for a file. */
import { formatClock, formatCount, formatElapsed, formatPercent, formatRate } from './format.ts';
import type { ProgressOutcome, ProgressSnapshot } from './types.ts';
import { columnsOf, truncate } from './width.ts';

export interface Style {
  readonly unicode: boolean;
  readonly color: boolean;
}

export interface Line {
  readonly text: string;
  /** In columns. */
  readonly width: number;
}

/** Few sizes, and room to spare beside all but the last, so that the bar does not breathe when a number gets longer. */
const barWidths = [30, 20, 10];
const barRoom = 6;
const labelShare = 0.35;
const labelWidthMin = 8;

/** What goes first when the terminal is narrow. */
const dropOrder = ['busy', 'rate', 'bar', 'time', 'failed', 'label', 'outcome', 'count', 'percent'] as const;
type PartName = (typeof dropOrder)[number];
type Parts = Partial<Record<PartName, string>>;

const red = 31;
const outcomeColor = { done: 32, failed: red, cancelled: 33 } as const;
const runningColor = 36;

const outcomeText = { done: undefined, failed: 'stopped by an error', cancelled: 'cancelled' } as const;

function details(s: ProgressSnapshot, outcome: ProgressOutcome | undefined): Parts {
  const parts: Parts = { rate: formatRate(s.ratePerSecond) };
  if (s.failed > 0) parts.failed = `${formatCount(s.failed)} failed`;
  if (outcome !== undefined) {
    parts.time = formatElapsed(s.elapsedMs);
    const text = outcomeText[outcome];
    if (text !== undefined) parts.outcome = text;
  } else {
    // The part of a second that is left is a second: no ETA says 0:00 before the end.
    const clock = s.etaMs === undefined ? '-:--' : formatClock(s.etaMs + 999);
    parts.time = s.total === undefined ? formatClock(s.elapsedMs) : `ETA ${clock}`;
    if (s.workers > 0) parts.busy = `${s.running}/${s.workers} busy`;
  }
  return parts;
}

function paint(text: string, color: number, style: Style): string {
  return style.color ? `\x1b[${color}m${text}\x1b[39m` : text;
}

function bar(percent: number, width: number, color: number, style: Style): string {
  const full = Math.floor((Math.min(100, Math.max(0, percent)) / 100) * width);
  const [on, off] = style.unicode ? ['█', '░'] : ['#', '-'];
  return paint(on.repeat(full), color, style) + off.repeat(width - full);
}

/** A line for a terminal of so many columns; it leaves the last one free, where terminals differ about when to wrap. */
export function barLine(s: ProgressSnapshot, columns: number, style: Style, outcome?: ProgressOutcome): Line {
  const limit = Math.max(0, columns - 1);
  const separator = style.unicode ? ' · ' : ' | ';
  const label = truncate(s.label, Math.max(labelWidthMin, Math.floor(limit * labelShare)), style.unicode ? '…' : '...');
  const parts: Parts = { label, ...details(s, outcome) };
  if (label === '') delete parts.label;
  if (s.total === undefined) {
    parts.count = `${formatCount(s.done)} done`;
  } else {
    parts.percent = formatPercent(s.percent ?? 0).padStart(4);
    const total = formatCount(s.total);
    parts.count = `${formatCount(s.done).padStart(total.length)}/${total}`;
    parts.bar = '';
  }

  const compose = (barWidth: number): Line => {
    const color = outcome === undefined ? runningColor : outcomeColor[outcome];
    const head = [parts.label, parts.percent].filter((text) => text !== undefined);
    if (parts.bar !== undefined) head.push(bar(s.percent ?? 0, barWidth, color, style));
    const tail = [parts.count, parts.rate, parts.time, parts.failed, parts.outcome, parts.busy].filter(
      (text) => text !== undefined,
    );
    // The label is the one text whose width is not its length.
    const headWidth =
      columnsOf(parts.label ?? '') + (parts.percent?.length ?? 0) + (parts.bar === undefined ? 0 : barWidth);
    const gaps = Math.max(0, head.length - 1) + (head.length > 0 && tail.length > 0 ? 1 : 0);
    const width = headWidth + gaps + tail.join(separator).length;
    const painted = tail.map((text) =>
      text === parts.failed || text === outcomeText.failed ? paint(text, red, style) : text,
    );
    return { width, text: [...head, ...(tail.length > 0 ? [painted.join(separator)] : [])].join(' ') };
  };

  for (let dropped = 0; ; dropped++) {
    for (const barWidth of barWidths) {
      const line = compose(barWidth);
      const room = outcome === undefined && parts.bar !== undefined && barWidth > 10 ? barRoom : 0;
      if (line.width + room <= limit) return line;
    }
    const next = dropOrder[dropped];
    if (next === undefined) return { text: '', width: 0 };
    delete parts[next];
  }
}

/** A line for a file: ASCII but for the label, nothing that moves a cursor. */
export function plainLine(s: ProgressSnapshot, outcome?: ProgressOutcome): string {
  const { rate, time, failed, busy, outcome: ending } = details(s, outcome);
  const count =
    s.total === undefined ? `${formatCount(s.done)} done` : `${formatCount(s.done)}/${formatCount(s.total)}`;
  const percent = s.percent === undefined ? '' : ` (${formatPercent(s.percent)})`;
  const spent = outcome === undefined ? '' : ` in ${time}`;
  const rest = [rate, outcome === undefined ? time : undefined, failed, ending, busy].filter(
    (text) => text !== undefined,
  );
  return `${s.label === '' ? 'progress' : s.label}: ${[count + percent + spent, ...rest].join(', ')}`;
}
