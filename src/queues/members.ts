/** Sets of parties in shared memory, a bit for the number of each. */

/** Words of such a set. */
export const partyWords = 32;
const idMask = partyWords * 32 - 1;

/** The number of a party within its table; its word tells also which one of those that had the number. */
export function idOf(party: number): number {
  return party & idMask;
}

export function addMember(words: Int32Array, at: number, party: number): void {
  const id = idOf(party);
  Atomics.or(words, at + (id >> 5), 1 << (id & 31));
}

/** The numbers that the bits of one of the words stand for. */
export function membersOf(word: number, bits: number): number[] {
  const ids: number[] = [];
  for (let rest = bits; rest !== 0; rest &= rest - 1) ids.push((word << 5) | (31 - Math.clz32(rest & -rest)));
  return ids;
}
