import { fromMain } from './imported-main.ts';

export const usesMain = (): number => fromMain + 1;
export const plain = (x: number): number => x + 1;
