/** Functions for workers, which load this module: it imports nothing. */
export const square = (x: number): number => x * x;

export async function sleep(ms: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
}

export function spin(): never {
  for (;;);
}
