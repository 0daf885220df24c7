/** How many columns of a terminal a text takes, and what of a text may go there at all. */
import { stripVTControlCharacters } from 'node:util';

const printableAscii = /^[\x20-\x7e]*$/;
const labelLengthMax = 1_000;

// East Asian Wide and Fullwidth (Unicode's EastAsianWidth.txt), joined where only unassigned code points lie between.
const wide =
  /^[\u1100-\u115f\u231a\u231b\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;
const emoji = /\p{Emoji_Presentation}|\ufe0f/u;
const invisible = /^[\p{Mark}\p{Format}\p{Control}]*$/u;

let segmenter: Intl.Segmenter | undefined;

function graphemes(text: string): string[] {
  segmenter ??= new Intl.Segmenter('en');
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

function graphemeWidth(grapheme: string): number {
  if (invisible.test(grapheme)) return 0;
  return emoji.test(grapheme) || wide.test(grapheme) ? 2 : 1;
}

/** The columns that a text without control sequences takes. */
export function columnsOf(text: string): number {
  if (printableAscii.test(text)) return text.length;
  return graphemes(text).reduce((sum, grapheme) => sum + graphemeWidth(grapheme), 0);
}

/** Cuts a text to at most so many columns, `mark` included. */
export function truncate(text: string, columns: number, mark: string): string {
  if (columnsOf(text) <= columns) return text;
  let room = columns - columnsOf(mark);
  if (room < 0) return '';
  let kept = '';
  for (const grapheme of graphemes(text)) {
    room -= graphemeWidth(grapheme);
    if (room < 0) break;
    kept += grapheme;
  }
  return kept.trimEnd() + mark;
}

/** A label is data: no escape sequence, line break, or change of direction in it may reach the terminal. */
export function cleanLabel(label: string): string {
  return stripVTControlCharacters(label.slice(0, labelLengthMax))
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
    .replace(/[\p{Control}\s]+/gu, ' ')
    .trim();
}

/** What stands in the terminal's last row after an unfinished line: what a carriage return or a wrap left behind is gone. */
export function lastRow(line: string, columns: number): string {
  const current = line.slice(line.lastIndexOf('\r', line.length - 2) + 1);
  const width = columnsOf(stripVTControlCharacters(current));
  if (width <= columns) return current;
  let excess = width - (((width - 1) % columns) + 1);
  const plain = graphemes(stripVTControlCharacters(current));
  let first = 0;
  while (excess > 0) excess -= graphemeWidth(plain[first++] ?? ' ');
  return plain.slice(first).join('');
}
