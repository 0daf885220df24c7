import { Lock } from 'manycore';

/** The memory that a thread has taken for its shared objects stays until it ends: that for all tests must be there before the first. */
for (let i = 0; i < 64; i++) void new Lock();

/** Turns of the event loop until a condition holds; for functions that travel. */
export async function until(condition: () => boolean, ms = 5_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Not within ${ms} ms: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
