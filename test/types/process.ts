// Compiled, never run: what a Process takes and gives, and what must not compile.
import { expectTypeOf } from 'expect-type';
import type { Readable } from 'node:stream';
import {
  activeChildren,
  type Connection,
  currentProcess,
  getContext,
  getStartMethod,
  parentProcess,
  Process,
  setStartMethod,
  type ParentProcess,
  type SharedEvent,
} from 'manycore';

export function targets(): void {
  void new Process({ target: (n: number, word: string) => n + word.length, args: [1, 'a'] });
  void new Process({ target: (n, word) => `${n.toFixed()}${word.length}`, args: [1, 'a'] });
  void new Process({ target: async () => 1 });
  void new Process({ target: (...all: number[]) => Math.max(...all), args: [1, 2, 3] });
  // @ts-expect-error -- an argument of the wrong type
  void new Process({ target: (n: number) => n, args: ['a'] });
  // @ts-expect-error -- too few arguments
  void new Process({ target: (n: number, word: string) => [n, word], args: [1] });
  void new Process({ target: (n?: number) => n });
  // @ts-expect-error -- no arguments
  void new Process({ target: (n: number) => n });
  // @ts-expect-error -- Python's spelling
  void new Process({ target: () => 1, kwargs: {} });
  // @ts-expect-error -- no function
  void new Process({ target: 5 });
  // @ts-expect-error -- no such context
  void new Process({ context: 'fork' });
}

export function members(p: Process): void {
  expectTypeOf(p.start()).toEqualTypeOf<Process>();
  expectTypeOf(p.join({ timeout: 1 })).toEqualTypeOf<Promise<void>>();
  expectTypeOf(p.exitCode).toEqualTypeOf<number | null>();
  expectTypeOf(p.pid).toEqualTypeOf<number | undefined>();
  expectTypeOf(p.sentinel).toEqualTypeOf<Promise<void>>();
  expectTypeOf(p.stdout).toEqualTypeOf<Readable | null>();
  p.daemon = true;
  p.name = 'x';
  // @ts-expect-error -- milliseconds go in an object
  void p.join(1);
  // @ts-expect-error -- told by the system
  p.exitCode = 1;
}

export function subclasses(): void {
  class Job extends Process {
    readonly word: string;
    constructor(word: string) {
      super({ name: word });
      this.word = word;
    }
    override async run(): Promise<void> {
      await this.join();
    }
  }
  expectTypeOf(new Job('a').start()).toEqualTypeOf<Job>();
  const { Process: Thread, Pool } = getContext('thread');
  class Bound extends Thread {}
  expectTypeOf(new Bound()).toMatchTypeOf<Process>();
  void new Thread({ target: (n) => n.toFixed(), args: [1] });
  void new Pool(2).map((x) => x * 2, [1]);
  // @ts-expect-error -- it has a context
  void new Thread({ context: 'process' });
}

export function contexts(): void {
  const ctx = getContext();
  expectTypeOf(new ctx.Queue<string>().getNowait()).toEqualTypeOf<string>();
  expectTypeOf(new ctx.Value('i32', 0).value).toEqualTypeOf<number>();
  expectTypeOf(new ctx.Array('d', 2).array).toEqualTypeOf<Float64Array>();
  expectTypeOf(ctx.Pipe<number>()).toEqualTypeOf<[Connection<number>, Connection<number>]>();
  expectTypeOf(new ctx.Manager().list([1]).get(0)).resolves.toEqualTypeOf<number>();
  expectTypeOf(ctx.Event).toEqualTypeOf<typeof SharedEvent>();
  const { Lock } = getContext('thread');
  expectTypeOf(new Lock().run(() => 1)).resolves.toEqualTypeOf<number>();
  // @ts-expect-error -- classes, not functions
  ctx.Queue();
  // @ts-expect-error -- Python's spelling
  ctx.cpu_count();
}

export function functions(): void {
  expectTypeOf(currentProcess()).toEqualTypeOf<Process>();
  expectTypeOf(parentProcess()).toEqualTypeOf<ParentProcess | undefined>();
  expectTypeOf(activeChildren()).toEqualTypeOf<Process[]>();
  expectTypeOf(getStartMethod()).toEqualTypeOf<'process' | 'thread'>();
  expectTypeOf(getStartMethod({ allowNone: true })).toEqualTypeOf<'process' | 'thread' | undefined>();
  setStartMethod('spawn', { force: true });
  // @ts-expect-error -- Node cannot fork
  getContext('fork');
}
