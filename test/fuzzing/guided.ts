// First: see there.
import { Coverage } from './coverage.ts';
import { Random } from '../engine/random.ts';

/** What is given inputs that nobody thought of. */
export interface Target<Input> {
  readonly name: string;
  /** The scripts whose code counts. */
  readonly covers: (url: string) => boolean;
  readonly seeds: readonly Input[];
  mutate(input: Input, random: Random, corpus: readonly Input[]): Input;
  /** Throws when something is wrong. Tells of places that it has come to and that no line of code stands for. */
  run(input: Input): Iterable<string> | undefined;
  show(input: Input): string;
}

export interface Report<Input> {
  readonly inputs: number;
  /** Inputs that came to where none had before. */
  readonly corpus: readonly Input[];
  /** Characters of code that have run. */
  readonly code: number;
  readonly places: number;
  readonly finding: Finding<Input> | undefined;
}

export interface Finding<Input> {
  readonly input: Input;
  readonly error: unknown;
}

/** So many inputs before a look at what has run, which takes as long as hundreds of them. */
const batch = 100;

/** Changes inputs at random, and goes on from those that came to where none had before. Ends when `goesOn` says so, or at the first error. */
export function explore<Input>(
  target: Target<Input>,
  seed: number,
  goesOn: (inputs: number) => boolean,
): Report<Input> {
  const random = new Random(seed);
  const places = new Set<string>();
  const corpus: Input[] = [];
  const coverage = new Coverage(target.covers);
  let inputs = 0;
  const findings: Finding<Input>[] = [];

  /** Whether it has told of a new place. */
  const run = (input: Input): boolean => {
    inputs++;
    const before = places.size;
    try {
      for (const place of target.run(input) ?? []) places.add(place);
    } catch (error) {
      findings.push({ input, error });
    }
    return places.size > before;
  };
  /** Some of these came to new code: they run again, by halves, to see which. */
  const credit = (tried: readonly Input[]): void => {
    if (tried.length === 1) {
      run(tried[0]!);
      if (coverage.take() && !corpus.includes(tried[0]!)) corpus.push(tried[0]!);
      return;
    }
    const middle = tried.length >> 1;
    for (const half of [tried.slice(0, middle), tried.slice(middle)]) {
      half.forEach(run);
      if (coverage.look()) credit(half);
    }
  };
  for (const input of target.seeds) {
    run(input);
    corpus.push(input);
  }
  coverage.take();
  while (findings.length === 0 && goesOn(inputs)) {
    const tried: Input[] = [];
    for (let i = 0; i < batch && findings.length === 0; i++) {
      const input = target.mutate(choose(corpus, random), random, corpus);
      if (run(input)) corpus.push(input);
      tried.push(input);
    }
    if (coverage.look()) credit(tried);
  }
  return { inputs, corpus, code: coverage.size, places: places.size, finding: findings[0] };
}

/** The last ones to have come to something new lead on more often than the others. */
function choose<Input>(corpus: readonly Input[], random: Random): Input {
  const from = random.chance(0.5) ? 0 : Math.max(0, corpus.length - 20);
  return corpus[random.whole(from, corpus.length - 1)]!;
}

/** One to four changes of bytes: flipped, replaced, cut out, doubled, or taken from another input. */
export function mutateBytes(bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  let mutant = Buffer.from(bytes);
  for (let changes = random.whole(1, 4); changes > 0; changes--) {
    const at = random.whole(0, mutant.length);
    const [before, after] = [mutant.subarray(0, at), mutant.subarray(at)];
    switch (random.whole(0, 5)) {
      case 0:
        if (after.length > 0) after[0]! ^= 1 << random.whole(0, 7);
        break;
      case 1:
        if (after.length > 0) after[0] = random.whole(0, 255);
        break;
      case 2:
        mutant = Buffer.concat([before, after.subarray(random.whole(1, 8))]);
        break;
      case 3:
        mutant = Buffer.concat([before, Buffer.from([random.whole(0, 255)]), after]);
        break;
      case 4:
        mutant = Buffer.concat([before, after.subarray(0, random.whole(1, 32)), after]);
        break;
      default: {
        const other = random.pick(corpus);
        const from = random.whole(0, other.length);
        mutant = Buffer.concat([before, other.subarray(from, from + random.whole(1, 64)), after]);
      }
    }
  }
  return mutant.subarray(0, 4_096);
}
