import { SharedMemoryError } from '../errors.ts';
import { type ShareableItems, ShareableList } from './shareable-list.ts';
import { SharedMemory } from './shared-memory.ts';

/**
 * Keeps account of the shared memory that it makes, and removes all of it at its end. It takes no process of its own: what this program
 * has made goes with it in any case. Python: `multiprocessing.managers.SharedMemoryManager`.
 *
 * @example
 * ```ts
 * import { SharedMemoryManager } from 'manycore';
 * using manager = new SharedMemoryManager();
 * const memory = manager.SharedMemory(1_000);
 * const list = manager.ShareableList([1, 2, 3]);
 * console.log(memory.size, list.length); // 1000 3
 * ```
 */
export class SharedMemoryManager {
  #made: SharedMemory[] | undefined = [];

  /** Memory of so many bytes. */
  SharedMemory(size: number): SharedMemory {
    return this.#keep(
      () => new SharedMemory({ create: true, size }),
      (memory) => memory,
    );
  }

  ShareableList<T>(items: ShareableItems<T>): ShareableList<T> {
    return this.#keep(
      () => new ShareableList(items),
      ({ memory }) => memory,
    );
  }

  #keep<T>(make: () => T, memoryOf: (made: T) => SharedMemory): T {
    if (this.#made === undefined) throw new SharedMemoryError('Cannot make shared memory: this manager was shut down.');
    const made = make();
    this.#made.push(memoryOf(made));
    return made;
  }

  /** Removes all that it has made, whoever has it. Twice is once. Python: `shutdown()`. */
  shutdown(): void {
    for (const memory of this.#made ?? []) {
      memory.close();
      try {
        memory.unlink();
      } catch {
        // Somebody has unlinked it.
      }
    }
    this.#made = undefined;
  }

  [Symbol.dispose](): void {
    this.shutdown();
  }
}
