import type { Screen } from '../program/holder.ts';
import type { Line } from './lines.ts';
import type { ProgressStream } from './types.ts';
import { lastRow } from './width.ts';
import { hookWrites, type WriteHook, writeQuietly } from './write-hook.ts';

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const eraseBelow = '\x1b[J';
const eraseToEnd = '\x1b[K';
const up = (rows: number): string => (rows > 0 ? `\r\x1b[${rows}A` : '\r');

const columnsDefault = 80;
const rowsDefault = 24;
/** Of an unfinished line no more than this is looked at: it is a program's own progress, not text. */
const tailLengthMax = 4_096;

/**
 * The lines at the bottom of one terminal.
 *
 *     whatever the program printed
 *     its last line, not ended yet        <- the tail: printed again when the program goes on with it
 *     bar                                 <- drawn
 *     bar_                                <- the cursor waits at the end of the last bar
 *
 * Others' writes find the screen as if there were no bars. The bars come back in a microtask, so that a loop that prints a
 * thousand lines costs one redraw. A write that no hook sees (a child's, on an inherited stream) ends up behind the last bar;
 * it survives the next redraw while there is one bar, and is overwritten where there are several.
 */
export class Terminal implements Screen {
  readonly #stream: ProgressStream;
  readonly #hooks: readonly WriteHook[];
  readonly #compose: (columns: number, rows: number) => readonly Line[];
  readonly #onDraw: () => void;
  #drawn: readonly Line[] = [];
  #drawnColumns = columnsDefault;
  #tail = '';
  #hidden = false;
  #scheduled = false;
  #closed = false;

  /** `shared`: other streams that write to the same screen. `onDraw` is called before anything is drawn. */
  constructor(
    stream: ProgressStream,
    shared: readonly ProgressStream[],
    compose: (columns: number, rows: number) => readonly Line[],
    onDraw: () => void,
  ) {
    this.#stream = stream;
    this.#compose = compose;
    this.#onDraw = onDraw;
    this.#hooks = [stream, ...shared].map((each) =>
      hookWrites(
        each,
        () => this.#yield(),
        (chunk) => this.#written(chunk),
      ),
    );
  }

  get columns(): number {
    return this.#stream.columns || columnsDefault;
  }

  draw(): void {
    if (this.#closed) return;
    const { columns } = this;
    const lines = this.#compose(columns, this.#stream.rows || rowsDefault);
    if (lines.length === 0) {
      this.#yield();
      return;
    }
    const same =
      lines.length === this.#drawn.length && lines.every((line, index) => line.text === this.#drawn[index]?.text);
    if (same && columns === this.#drawnColumns) return;
    this.#onDraw();

    let out = this.#hidden ? '' : hideCursor;
    if (this.#drawn.length > 0) out += this.#toFirstRow(columns);
    else if (this.#tail !== '') out += '\n';
    out += lines.map((line) => line.text + eraseToEnd).join('\n') + eraseBelow;
    this.#hidden = true;
    this.#drawn = lines;
    this.#drawnColumns = columns;
    this.#write(out);
  }

  /** Puts a line above the bars, for good. */
  print(text: string): void {
    const below = this.#tail;
    this.#write(`${this.#erase()}${below === '' ? '' : `\r${eraseBelow}`}${text}\n${below}`);
    this.draw();
  }

  /** Takes the bars away for a write that no hook sees, which gets a row of its own. */
  makeWay(): void {
    if (this.#drawn.length === 0) return;
    this.#write(this.#toFirstRow(this.columns) + eraseBelow);
    this.#drawn = [];
    this.#tail = '';
    this.#schedule();
  }

  /** Leaves everything as it must be found if this is the end; the next draw begins anew below. */
  leave(): void {
    const out = (this.#drawn.length > 0 ? '\n' : '') + (this.#hidden ? showCursor : '');
    if (this.#drawn.length > 0) this.#tail = '';
    this.#drawn = [];
    this.#hidden = false;
    if (out !== '') this.#write(out);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const out = this.#erase() + (this.#hidden ? showCursor : '');
    if (out !== '') this.#write(out);
    for (const hook of this.#hooks) hook.remove();
  }

  #yield(): void {
    const out = this.#erase();
    if (out !== '') this.#write(out);
  }

  #written(chunk: string | Uint8Array): void {
    const end = chunk instanceof Uint8Array ? chunk.lastIndexOf(10) : chunk.lastIndexOf('\n');
    const rest = chunk.slice(Math.max(end + 1, chunk.length - tailLengthMax));
    const text = typeof rest === 'string' ? rest : Buffer.from(rest).toString();
    this.#tail = lastRow(((end === -1 ? this.#tail : '') + text).slice(-tailLengthMax), this.columns);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.draw();
    });
  }

  /** Takes the bars away, with the cursor where the program left it. */
  #erase(): string {
    if (this.#drawn.length === 0) return '';
    const out = this.#toFirstRow(this.columns) + eraseBelow;
    this.#drawn = [];
    return this.#tail === '' ? out : `${out}${up(1)}${eraseToEnd}${this.#tail}`;
  }

  // A terminal that became narrower has broken the lines that no longer fit.
  #toFirstRow(columns: number): string {
    return up(this.#drawn.reduce((rows, line) => rows + Math.max(1, Math.ceil(line.width / columns)), 0) - 1);
  }

  #write(text: string): void {
    const [hook] = this.#hooks;
    if (hook !== undefined) writeQuietly(this.#stream, hook.original, text);
  }
}
