type Key = string | number | symbol | Call;

/** A step that is a call: `get(key)` of a Map, `values()` of a Set. */
export class Call {
  readonly #method: string;
  readonly #arguments: readonly unknown[];

  constructor(method: string, ...args: readonly unknown[]) {
    this.#method = method;
    this.#arguments = args;
  }

  toString(): string {
    return `.${this.#method}(${this.#arguments.map(brief).join()})`;
  }
}

function brief(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return (typeof value === 'object' && value !== null) || typeof value === 'function' ? typeof value : String(value);
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

  save(): readonly Key[] {
    return this.#keys.slice();
  }

  restore(keys: readonly Key[]): void {
    this.#keys = keys.slice();
  }

  /** `$.db.sockets[2]`, and ` -> name` where the way leads through a function's variable. */
  toString(): string {
    const keys = this.#keys;
    if (keys.length <= maxKeysShown) return `$${keys.map(show).join('')}`;
    const half = maxKeysShown / 2;
    const left = keys.slice(0, half).map(show).join('');
    return `$${left}...[${keys.length - maxKeysShown} more]...${keys.slice(-half).map(show).join('')}`;
  }
}

function show(key: Key): string {
  if (typeof key === 'number') return `[${key}]`;
  if (typeof key === 'symbol') return `[${key.toString()}]`;
  if (typeof key !== 'string') return key.toString();
  if (key.startsWith(' -> ')) return key;
  if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) return `.${key}`;
  return `[${JSON.stringify(key)}]`;
}
