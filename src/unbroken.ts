/**
 * What a worker thread must not be terminated in the middle of. Node leaks the file that a thread is reading while it loads a
 * module, and an error that koffi cannot throw any more ends the whole program.
 */
interface Sections {
  enter(): void;
  leave(): void;
}

/** One for all copies of this package in a thread. */
const key = Symbol.for('manycore.sections');

/** Of a worker thread: has it told where such a section begins and ends. They may lie in each other. */
export function watchSections(sections: Sections): void {
  Reflect.set(globalThis, key, sections);
}

function watcher(): Sections | undefined {
  return Reflect.get(globalThis, key) as Sections | undefined;
}

export function unbroken<T>(work: () => T): T {
  const sections = watcher();
  sections?.enter();
  try {
    return work();
  } finally {
    sections?.leave();
  }
}

export async function unbrokenAsync<T>(work: () => Promise<T>): Promise<T> {
  const sections = watcher();
  sections?.enter();
  try {
    return await work();
  } finally {
    sections?.leave();
  }
}
