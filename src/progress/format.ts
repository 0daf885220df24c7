/** Numbers as people read them. All results are ASCII. */

const daysMax = 99;

/** `1234567` -> `1,234,567` (toLocaleString would load a locale for it). */
export function formatCount(count: number): string {
  return Math.trunc(count)
    .toFixed(0)
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

function significant(value: number): string {
  if (value >= 99.95) return formatCount(Math.round(value));
  return value.toFixed(value >= 9.995 ? 1 : 2);
}

/** Items per second; the slow ones per minute or hour, so that the number is never a string of zeros. */
export function formatRate(perSecond: number): string {
  if (!(perSecond > 0) || perSecond === Infinity) return '-/s';
  if (perSecond >= 1e6) return `${significant(perSecond / 1e6)}M/s`;
  if (perSecond >= 1) return `${significant(perSecond)}/s`;
  if (perSecond >= 1 / 60) return `${significant(perSecond * 60)}/min`;
  return `${significant(perSecond * 3_600)}/h`;
}

const twoDigits = (value: number): string => value.toFixed(0).padStart(2, '0');

/** `0:07`, `12:34`, `5:00:01`, `3d 04:05:06`. */
export function formatClock(ms: number): string {
  if (!Number.isFinite(ms)) return '-:--';
  const seconds = Math.max(0, Math.trunc(ms / 1_000));
  const days = Math.trunc(seconds / 86_400);
  if (days > daysMax) return `>${daysMax}d`;
  const hours = Math.trunc(seconds / 3_600) % 24;
  const minutes = Math.trunc(seconds / 60) % 60;
  const rest = `${twoDigits(minutes)}:${twoDigits(seconds % 60)}`;
  if (days > 0) return `${days}d ${twoDigits(hours)}:${rest}`;
  if (hours > 0) return `${hours}:${rest}`;
  return rest.replace(/^0/, '');
}

/** How long something took: tenths of a second below a minute. */
export function formatElapsed(ms: number): string {
  return ms < 59_950 ? `${(ms / 1_000).toFixed(1)}s` : formatClock(ms);
}

/** Rounded down, so that 100 % means all of it. */
export function formatPercent(percent: number): string {
  return `${Math.floor(Math.min(100, Math.max(0, percent)))}%`;
}
