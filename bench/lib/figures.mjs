/** Reads figures out of a scenario's results. */
import { median } from './stats.mjs';

/** The median over the rounds; a text if a round gave one; undefined where there is none. */
export function figure(results, variant, side, key) {
  const values =
    results
      ?.get(variant)
      ?.get(side)
      ?.samples.map((sample) => sample?.[key])
      .filter((v) => v !== undefined) ?? [];
  const text = values.find((value) => typeof value !== 'number');
  if (text !== undefined) return text === null ? undefined : text;
  return values.length > 0 ? median(values) : undefined;
}

/** The smallest and the largest of the rounds. */
export function range(results, variant, side, key) {
  const values = results
    .get(variant)
    .get(side)
    .samples.map((sample) => sample?.[key]);
  return [Math.min(...values), Math.max(...values)];
}

/** The median over the rounds of `over / under`, two sides of the same round: noise of the machine cancels out. */
export function ratio(results, variant, key, over, under) {
  const [a, b] = [over, under].map((side) => results?.get(variant)?.get(side)?.samples ?? []);
  const ratios = a.map((sample, round) => sample?.[key] / b[round]?.[key]).filter(Number.isFinite);
  return ratios.length > 0 ? median(ratios) : undefined;
}
