type Key = string | number | symbol | MapKey | VariableKey | typeof setValues;

/** A step into a Map. */
export class MapKey {
  readonly key: unknown;

  constructor(key: unknown) {
    this.key = key;
  }

  toString(): string {
    const { key } = this;
    if (typeof key === 'string') return `.get(${JSON.stringify(key)})`;
    return `.get(${typeof key === 'object' && key !== null ? 'object' : typeof key === 'function' ? 'function' : String(key)})`;
  }
}

/** A step into a Set. */
export const setValues: { readonly toString: () => string } = { toString: () => '.values()' };

/** A step into a variable of a function. The one behind it leads into its cell, when it has one, and is not shown. */
export class VariableKey {
  readonly name: string;
  readonly inCell: boolean;

  constructor(name: string, inCell: boolean) {
    this.name = name;
    this.inCell = inCell;
  }

  toString(): string {
    return ` -> ${this.name}`;
  }
}

/** Of a longer path only the two ends are shown. */
const maxKeysShown = 100;

/** Where in a value the codec is, as a stack of keys; the text is made only when an error needs it. */
export class Path {
  #keys: Key[] = [];

  push(key: Key): void {
    this.#keys.push(key);
  }

  pop(): void {
    this.#keys.pop();
  }

  /** Replaces the last key: the next member of the same object. */
  step(key: Key): void {
    this.#keys[this.#keys.length - 1] = key;
  }

  clear(): void {
    this.#keys.length = 0;
  }

  get length(): number {
    return this.#keys.length;
  }

  /** Back to where the path had this length. */
  truncate(length: number): void {
    this.#keys.length = length;
  }

  save(): readonly Key[] {
    return this.#keys.slice();
  }

  restore(keys: readonly Key[]): void {
    this.#keys = keys.slice();
  }

  /** Whether the way leads through a function's variable. */
  get isCaptured(): boolean {
    return this.#keys.some((key) => key instanceof VariableKey);
  }

  /** `$.db.sockets[2]`, and ` -> name` where the way leads through a function's variable. */
  toString(): string {
    const keys = this.#keys.filter((_, i, all) => !isIntoCell(all[i - 1]));
    if (keys.length <= maxKeysShown) return `$${keys.map(show).join('')}`;
    const half = maxKeysShown / 2;
    const left = keys.slice(0, half).map(show).join('');
    return `$${left}...[${keys.length - maxKeysShown} more]...${keys.slice(-half).map(show).join('')}`;
  }
}

function isIntoCell(key: Key | undefined): boolean {
  return key instanceof VariableKey && key.inCell;
}

function show(key: Key): string {
  if (typeof key === 'number') return `[${key}]`;
  if (typeof key === 'symbol') return `[${key.toString()}]`;
  if (typeof key !== 'string') return key.toString();
  if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) return `.${key}`;
  return `[${JSON.stringify(key)}]`;
}
