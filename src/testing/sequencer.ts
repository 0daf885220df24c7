import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkKeys, checkTimeout, show } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError, TimeoutError } from '../errors.ts';
import { suggest } from '../suggest.ts';

/** How often a step looks whether its turn has come: what another process does is only seen by looking. */
const pollMs = 2;
const limitMs = 10_000;

/**
 * Named steps that happen in the order given, wherever they are: in the program, in tasks on threads and in tasks on
 * processes. It travels with the functions that use it. Trio: `Sequencer`.
 *
 * @example
 * ```ts
 * import { Pool } from 'manycore';
 * import { Sequencer } from 'manycore/testing';
 * using order = new Sequencer(['opened', 'written', 'closed']);
 * await using pool = new Pool(2);
 * const writer = pool.apply(async () => await order.step('written', () => 'text'));
 * const owner = pool.apply(async () => {
 *   await order.step('opened');
 *   await order.step('closed'); // only after the other task has written
 *   return 'done';
 * });
 * console.log(await writer, await owner); // text done
 * ```
 */
export class Sequencer {
  readonly steps: readonly string[];
  // Nothing is private: an instance with private fields could not travel.
  /** The folder whose files say which steps are begun and done. */
  readonly folder: string;
  readonly limitMs: number;

  /**
   * @param options.limit how long a step waits for its turn, in milliseconds. Default 10,000.
   * @throws ArgumentTypeError for what is not a list of names; ArgumentRangeError for a name that is given twice.
   */
  constructor(steps: readonly string[], options: { readonly limit?: number } = {}) {
    if (!Array.isArray(steps) || steps.some((step) => typeof step !== 'string'))
      throw new ArgumentTypeError(`Cannot use ${show(steps)} as steps: expected a list of names.`);
    checkKeys('Sequencer', options, ['limit']);
    checkTimeout(options.limit, 'limit');
    const twice = steps.find((step, at) => steps.indexOf(step) !== at);
    if (twice !== undefined)
      throw new ArgumentRangeError(`Cannot make a Sequencer: the step ${JSON.stringify(twice)} is given twice.`);
    this.steps = [...steps];
    this.limitMs = options.limit ?? limitMs;
    this.folder = join(tmpdir(), `manycore-${process.pid}-steps-${randomBytes(8).toString('hex')}`);
    mkdirSync(this.folder, { mode: 0o700 });
  }

  /**
   * Waits until all steps before this one are done, runs `body`, and lets the next one go. A body that throws is done too.
   *
   * @throws ArgumentRangeError for a step that is not known, or that was begun before.
   * @throws TimeoutError when its turn does not come.
   */
  async step<R = undefined>(name: string, body?: () => R | Promise<R>): Promise<Awaited<R>> {
    const at = this.steps.indexOf(name);
    if (at < 0) {
      const hint = suggest(name, this.steps);
      const advice =
        hint === undefined ? `There are ${this.steps.join(', ')}.` : `Did you mean ${JSON.stringify(hint)}?`;
      throw new ArgumentRangeError(`Unknown step ${JSON.stringify(name)}. ${advice}`);
    }
    begin(this, name, at);
    const endMs = performance.now() + this.limitMs;
    while (!isNext(this, at)) {
      if (performance.now() > endMs) {
        const missing = this.steps.filter((_, i) => i < at && !isDone(this, i)).join(', ');
        throw new TimeoutError(`The step ${JSON.stringify(name)} waited ${this.limitMs} ms for ${missing}.`);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    try {
      return (await body?.()) as Awaited<R>;
    } finally {
      writeFileSync(fileOf(this, at, 'done'), '');
    }
  }

  /** The steps that are done. */
  get done(): readonly string[] {
    return this.steps.filter((_, at) => isDone(this, at));
  }

  /** Removes what the steps left on disk. */
  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function begin(sequencer: Sequencer, name: string, at: number): void {
  try {
    writeFileSync(fileOf(sequencer, at, 'begun'), '', { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new ArgumentRangeError(`The step ${JSON.stringify(name)} was begun before.`);
  }
}

function isNext(sequencer: Sequencer, at: number): boolean {
  return at === 0 || isDone(sequencer, at - 1);
}

function isDone(sequencer: Sequencer, at: number): boolean {
  return existsSync(fileOf(sequencer, at, 'done'));
}

function fileOf({ folder }: Sequencer, at: number, what: 'begun' | 'done'): string {
  return join(folder, `${at}-${what}`);
}
