import { longestTimerMs } from '../limits.ts';
import { hold } from './family.ts';

/** Waits for an end, or for so many milliseconds (less than 0 is 0, as in Python); keeps the program alive meanwhile. */
export async function waitFor(ended: Promise<void>, timeout: number | undefined): Promise<void> {
  const release = hold();
  let timer: NodeJS.Timeout | undefined;
  try {
    if (timeout === undefined || timeout > longestTimerMs) return await ended;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, Math.max(0, timeout))));
    await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
    release();
  }
}
