export interface Options {
  k: number;
}
export const plus = (x: number): number => x + 100;
export class Square {
  readonly n: number;
  constructor(n: number) {
    this.n = n;
  }
  area(): number {
    return this.n ** 2;
  }
  static of(n: number): Square {
    return new Square(n);
  }
}
export default function same<T>(x: T): T {
  return x;
}
const hidden = (x: number): number => x + 7;
export const getHidden = (): typeof hidden => hidden;
