/** Results are used and checked, so that nobody is fast by losing or by never looking at them. */

const modulus = 9_973;

/** Squares, each modulo a prime: the sum of the squares themselves would leave the exact integers. */
export function squareSum(count) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += (i * i) % modulus;
  return sum;
}

export class SquareCheck {
  #sum = 0;
  #count = 0;

  add(square) {
    this.#sum += square % modulus;
    this.#count++;
  }

  verify(count) {
    if (this.#count !== count) throw new Error(`wrong: ${this.#count} results for ${count} tasks`);
    if (this.#sum !== squareSum(count)) throw new Error('wrong: the results are not the squares');
  }
}

export function verifySquares(results, count) {
  const check = new SquareCheck();
  for (const result of results) check.add(result);
  check.verify(count);
}
