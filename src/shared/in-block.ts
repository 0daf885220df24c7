import { allocate, Block, type BlockReference } from '../memory/block.ts';
import type { Holdable } from '../sync/holdable.ts';
import { travelsAs } from '../wire/shared.ts';
import type { Locked } from './locked.ts';

/** What there is of an object that lives in a block. */
interface Parts {
  /** What its constructor takes in front of the options to make one with that much memory. */
  readonly args: readonly unknown[];
  readonly block: Block;
  readonly locked: Locked;
}

interface State {
  readonly args: readonly unknown[];
  readonly block: BlockReference;
  readonly lock: Holdable | undefined;
}

let arriving: Block | undefined;

/** The memory of an object that is being made: one that arrives has it already. */
export function blockFor(bytes: number): Block {
  const block = arriving ?? allocate(Math.max(8, bytes));
  // What the constructor of a class that extends its own makes besides has its own memory.
  arriving = undefined;
  return block;
}

/** Has instances of a class, and of those that extend it, travel with their block and their lock. */
export function travelsInBlock<T extends object>(
  constructor: abstract new (...args: never[]) => T,
  partsOf: (instance: T) => Parts,
): void {
  travelsAs<T, State>(constructor, {
    stateOf: (instance) => {
      const { args, block, locked } = partsOf(instance);
      return { args, block: block.refer(), lock: locked.lock };
    },
    attach: (Class, { args, block, lock }) => {
      arriving = Block.attach(block);
      try {
        return new (Class as new (...args: unknown[]) => T)(...args, { lock: lock ?? false });
      } finally {
        arriving = undefined;
      }
    },
  });
}
