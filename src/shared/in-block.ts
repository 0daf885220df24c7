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

/** What arrives now, before its constructor was called. */
let arriving: { readonly Class: unknown; readonly block: Block } | undefined;

/**
 * The memory of an object that is being made: one that arrives has it already.
 *
 * @param Class - `new.target`: what the constructor of an extending class makes besides, before or after, has its own memory.
 */
export function blockFor(bytes: number, Class: unknown): Block {
  if (arriving === undefined || arriving.Class !== Class) return allocate(Math.max(8, bytes));
  const { block } = arriving;
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
      const before = arriving;
      arriving = { Class, block: Block.attach(block) };
      try {
        return new (Class as new (...args: unknown[]) => T)(...args, { lock: lock ?? false });
      } finally {
        arriving = before;
      }
    },
  });
}
