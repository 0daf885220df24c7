/** Functions for workers, which load this module: it imports nothing. */
export const square = (x: number): number => x * x;

export async function sleep(ms: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
}

/** Keeps a core busy; without `ms` for ever. */
export function spin(ms: number = Infinity): number {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
}
