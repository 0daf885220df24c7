export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Numbers with three significant digits; text, which says what went wrong, as it is. */
export function show(value, digits = 3) {
  if (typeof value !== 'number') return value === undefined ? '–' : String(value);
  if (value === 0) return '0';
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
  const fixed = value.toFixed(Math.min(decimals, 6));
  return Math.abs(value) >= 10_000 ? Math.round(value).toLocaleString('en-US') : fixed;
}
