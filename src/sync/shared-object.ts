import { show } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
import { allocate, Block, type BlockReference } from '../memory/block.ts';
import type { Home } from '../memory/home.ts';
import { Members } from './members.ts';
import type { Waiters } from './waiters.ts';

/** Where a shared object is. */
export interface Place {
  readonly block: Block;
  readonly words: Int32Array;
  /** The first word of its own. */
  readonly at: number;
  readonly members: Members;
  readonly parties: Home;
}

/** What an object keeps in a thread: who waits there, what is held there. */
export interface Core {
  readonly place: Place;
  readonly waiters: Waiters;
}

/** What makes a new object takes no arguments. */
export function checkCore(of: string, core: unknown, Core: abstract new (...args: never[]) => object): void {
  if (!(core instanceof Core))
    throw new ArgumentTypeError(`Cannot use ${show(core)} for a ${of}: it takes no arguments.`);
}

const membersWords = Math.ceil(Members.words / 16) * 16;
/** A thread has one for each block, however often the object comes to it. */
const cores = new WeakMap<Block, Core>();

/** A new object of so many words. */
export function create<C extends Core>(words: number, make: (place: Place) => C): C {
  return join(allocate((membersWords + words) * 4), make);
}

/** One that another thread has sent. */
export function attach<C extends Core>(reference: BlockReference, make: (place: Place) => C): C {
  const block = Block.attach(reference);
  return (cores.get(block) as C | undefined) ?? join(block, make);
}

function join<C extends Core>(block: Block, make: (place: Place) => C): C {
  const { words, home } = block;
  const members = new Members(words, 0, home);
  members.join();
  const core = make({ block, words, at: membersWords, members, parties: home });
  cores.set(block, core);
  core.waiters.introduce();
  return core;
}
