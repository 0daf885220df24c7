import type { ProgressStream } from '#internal/progress/index.js';

/** A terminal as far as the display uses one: rows of cells, a cursor, the sequences to move it and to erase. */
export class Screen {
  cursorVisible = true;
  columns: number;
  #rows: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  /** The text of each row, from the first ever written. */
  get rows(): string[] {
    const rows = this.#rows.map((cells) =>
      Array.from(cells, (cell) => cell ?? ' ')
        .join('')
        .trimEnd(),
    );
    while (rows.at(-1) === '') rows.pop();
    return rows;
  }

  get cursor(): { row: number; column: number } {
    return { row: this.#row, column: this.#column };
  }

  feed(text: string): void {
    // oxlint-disable-next-line no-control-regex
    for (const [token] of text.matchAll(/\x1b\[([?0-9;]*)([A-Za-z])|[^]/gu)) this.#put(token);
  }

  #put(token: string): void {
    if (token === '\n') {
      this.#row++;
      this.#column = 0;
    } else if (token === '\r') {
      this.#column = 0;
    } else if (token.startsWith('\x1b')) {
      this.#control(token.slice(2, -1), token.at(-1) ?? '');
    } else {
      const width = /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7a3\uff00-\uff60\u{1f300}-\u{1faff}]/u.test(token) ? 2 : 1;
      if (this.#column + width > this.columns) {
        this.#row++;
        this.#column = 0;
      }
      const cells = this.#cells();
      cells[this.#column] = token;
      if (width === 2) cells[this.#column + 1] = '';
      this.#column += width;
    }
    this.#cells();
  }

  #control(argument: string, command: string): void {
    if (command === 'A') this.#row = Math.max(0, this.#row - Number(argument || 1));
    else if (command === 'K') this.#cells().length = Math.min(this.#cells().length, this.#column);
    else if (command === 'J') {
      this.#cells().length = Math.min(this.#cells().length, this.#column);
      this.#rows.length = this.#row + 1;
    } else if (argument === '?25') this.cursorVisible = command === 'h';
    else if (command !== 'm') throw new Error(`The screen does not know CSI ${argument} ${command}`);
  }

  #cells(): string[] {
    while (this.#rows.length <= this.#row) this.#rows.push([]);
    return this.#rows[this.#row] ?? [];
  }
}

/** A stream that shows what is written on a screen; `write` is a method of the prototype, as Node's is. */
export class FakeStream implements ProgressStream {
  readonly writes: string[] = [];
  isTTY: boolean;
  readonly rows = 24;
  readonly #screen: Screen;

  constructor(screen: Screen, isTTY: boolean) {
    this.#screen = screen;
    this.isTTY = isTTY;
  }

  get columns(): number {
    return this.#screen.columns;
  }

  write(chunk: string | Uint8Array, callback?: (error?: Error | null) => void): boolean {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    this.writes.push(text);
    this.#screen.feed(text);
    callback?.(null);
    return true;
  }
}
