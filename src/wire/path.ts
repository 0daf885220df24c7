type Key = string | number | symbol;

/** Where in a value the codec is, as a stack of keys; the text is made only when an error needs it. */
export class Path {
  #keys: Key[] = [];

  push(key: Key): void {
    this.#keys.push(key);
  }

  pop(): void {
    this.#keys.pop();
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
    let text = '$';
    for (const key of this.#keys) {
      if (typeof key === 'number') text += `[${key}]`;
      else if (typeof key === 'symbol') text += `[${key.toString()}]`;
      else if (key.startsWith(' -> ')) text += key;
      else if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) text += `.${key}`;
      else text += `[${JSON.stringify(key)}]`;
    }
    return text;
  }
}
