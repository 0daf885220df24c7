// A program that is run in several ways: compiled, by tsx, by Node's own type stripping, bundled. Prints its results as JSON.
import * as os from 'node:os';
import { readFileSync } from 'node:fs';
import same, { getHidden, type Options, plus, Square } from './shape.ts';

const { createRunner } = (await import(process.env['RUNNER']!)) as typeof import('../runner.ts');
const options: Options = { k: 5 };
let written: number = 1;
written++;
const named = (x: number): number => {
  const inner = (y: number): number => y * options.k;
  function declared(z: number): number {
    return inner(z);
  }
  return declared(x);
};
class Sum<T extends number> {
  private total = 0;
  #hidden = 1;
  protected list: T[] = [];
  add(x: T): this {
    this.list.push(x);
    return this;
  }
  sum(): number {
    return this.list.reduce((a: number, b: number) => a + b, this.total) + this.#hidden;
  }
}
const place = (): string => /program\.\w+:\d+:\d+/.exec(new Error('here').stack ?? '')?.[0] ?? 'nowhere';

const runner = createRunner(process.env['KIND'] as 'thread' | 'process');
const square = new Square(4);
const sum = new Sum<number>().add(5);
const results = {
  named: await runner.run(named, 2),
  arrow: await runner.run((x: number) => x * options.k, 2),
  written: await runner.run(() => written),
  imported: await runner.run((x: number) => plus(x) + same<number>(x), 1),
  reference: await runner.run(plus, 1),
  statics: await runner.run((n: number) => Square.of(n).area(), 3),
  instance: await runner.run(() => [square.area(), square instanceof Square]),
  class: await runner.run(() => new Sum<number>().add(1).add(2).sum()),
  private: await runner.run(() => sum.add(1).sum()),
  builtin: await runner.run(() => [typeof os.cpus, typeof readFileSync]),
  hidden: await runner.run(getHidden(), 1),
  syntax: await runner.run((x: unknown) => ((x as number)! satisfies number) + options.k, 1),
  back: ((await runner.run((n: number) => new Square(n), 3)) as Square) instanceof Square,
  place: (await runner.run(place)) === place(),
};
await runner.close();
console.log(JSON.stringify(results));
