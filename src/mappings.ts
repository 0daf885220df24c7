/**
 * What a worker thread has mapped, where its host sees it. A thread that ends, above all one that is terminated, has no moment at
 * which nothing of it could touch its memory any more: its host gives it back afterwards.
 */
const key = Symbol.for('manycore.mappings');

const most = 1_024;
/** Two words for each: where, and how many bytes; of 0 it is free. */
export const mappingsBytes: number = most * 16;

/** For a worker thread at its start. */
export function noteMappings(shared: SharedArrayBuffer): void {
  // One for all copies of this package in a thread.
  Reflect.set(globalThis, key, new BigInt64Array(shared));
}

/** Notes that there is one; the function returned notes that there will be none. What has no place stays until the process ends. */
export function noteMapping(address: bigint, bytes: number): () => void {
  const list = (Reflect.get(globalThis, key) as BigInt64Array | undefined) ?? new BigInt64Array(0);
  for (let at = 0; at < list.length; at += 2) {
    if (list[at + 1] !== 0n) continue;
    list[at] = address;
    list[at + 1] = BigInt(bytes);
    return () => void (list[at + 1] = 0n);
  }
  return () => undefined;
}

/** What a thread has left, for its host. The thread is gone: otherwise the program would end. */
export function mappingsLeft(shared: SharedArrayBuffer): { readonly address: bigint; readonly bytes: number }[] {
  const list = new BigInt64Array(shared);
  const left: { readonly address: bigint; readonly bytes: number }[] = [];
  for (let at = 0; at < list.length; at += 2)
    if (list[at + 1] !== 0n) left.push({ address: list[at]!, bytes: Number(list[at + 1]) });
  return left;
}
