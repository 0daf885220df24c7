/** The Markdown of a run. */
import { findSide } from '../sides/index.mjs';
import { figure, range, ratio } from './figures.mjs';
import { show } from './stats.mjs';

export function scenarioReport(scenario, results, quick) {
  const notes = new Set();
  const columns = scenario.columns;
  const sideNames = [...results.values().next().value.keys()];
  const rows = sideNames.map((name) => [
    findSide(name).title,
    ...columns.map((column) => cell(results, scenario, column, name, notes)),
  ]);
  const lines = [`## ${scenario.title}`, '', scenario.text, ''];
  const size = sizes(scenario.variants(quick));
  if (size) lines.push(size, '');
  lines.push(...table(['', ...columns.map(({ title }) => title)], rows), '');
  if (scenario.baseline && columns.some((column) => column.ratio && !column.inverse)) {
    lines.push(`Speed: times ${findSide(scenario.baseline).title}.`, '');
  }
  if (notes.size > 0) lines.push(...[...notes].map((note) => `- ${note}`), '');
  return lines.join('\n');
}

export function table(head, rows) {
  const rule = `|${head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`;
  return [row(head), rule, ...rows.map(row)];
}

const row = (cells) => `| ${cells.join(' | ')} |`;

function cell(results, scenario, column, side, notes) {
  const { samples, error, absent } = results.get(column.variant).get(side);
  if (error) {
    notes.add(`${findSide(side).title}, ${column.variant}: ${error}`);
    if (column.ratio) return '';
    return /^(hung|wrong)/.exec(error)?.[0] ?? 'failed';
  }
  if (absent || samples.length === 0) return '–';
  if (column.ratio) {
    const baseline = column.baseline ?? scenario.baseline;
    const [over, under] = column.inverse ? [side, baseline] : [baseline, side];
    const value = ratio(results, column.variant, column.key, over, under);
    return value === undefined ? '' : `${show(value)} x`;
  }
  const value = figure(results, column.variant, side, column.key);
  if (!column.spread || typeof value !== 'number' || samples.length < 2) return show(value);
  const [low, high] = range(results, column.variant, side, column.key);
  return `${show(value)} (${show(low)} to ${show(high)})`;
}

/** How much work the figures stand for: it differs between a quick run and a full one. */
function sizes(variants) {
  const numbers = (key) =>
    [...new Set(variants.map(({ params }) => params[key]).filter(Boolean))].map((n) => n.toLocaleString('en-US'));
  const words = {
    count: 'Count',
    repetitions: 'Repetitions',
    limit: 'Primes below',
    shorts: 'Short tasks',
    longMs: 'The long one, ms',
  };
  return Object.entries(words)
    .filter(([key]) => numbers(key).length > 0)
    .map(([key, word]) => `${word}: ${numbers(key).join(', ')}.`)
    .join(' ');
}
