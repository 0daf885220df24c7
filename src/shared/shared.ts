import { allocate, Block, type BlockReference } from '../memory/block.ts';
import { Decoder } from '../wire/decoder.ts';
import { encodeAhead } from '../wire/encoded-message.ts';
import { Encoder } from '../wire/encoder.ts';
import { Reader } from '../wire/reader.ts';
import { travelsAs } from '../wire/shared.ts';
import { minAttachmentBytes } from '../limits.ts';
import { showAs } from '../inspection.ts';

/** A value that was put into shared memory by `shared`. */
export class Shared<T> {
  readonly #message: Block;
  readonly #buffers: readonly Block[];
  #value: { readonly value: T } | undefined;

  /** Made by `shared()`. */
  constructor(message: Block, buffers: readonly Block[]) {
    this.#message = message;
    this.#buffers = buffers;
  }

  /** The value, read when it is first asked for. Its ArrayBuffers are the shared memory itself: what one changes there, all see. */
  get value(): T {
    this.#value ??= { value: this.#read() };
    return this.#value.value;
  }

  #read(): T {
    const message = this.#message;
    const [count] = new Int32Array(message.buffer, 0, 1);
    const lengths = [...new Int32Array(message.buffer, 4, count)];
    const places = placesOf(lengths);
    const decoder = new Decoder(undefined, new Map());
    let large = 0;
    decoder.attachments = lengths.map((length, i) =>
      length === 0 ? this.#buffers[large++]!.buffer : message.part(places[i]!, length),
    );
    return decoder.message(new Reader(new Uint8Array(message.buffer, places.at(-1)))) as T;
  }

  static {
    // Not its value, which may be large.
    showAs(Shared<unknown>, (handle) => {
      const bytes = [handle.#message, ...handle.#buffers].reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
      return ` ${bytes} bytes`;
    });
    travelsAs(Shared<unknown>, {
      stateOf: (handle): State => ({
        message: handle.#message.refer(),
        buffers: handle.#buffers.map((block) => block.refer()),
      }),
      attach: (_, { message, buffers }: State) => {
        const block = Block.attach(message);
        const blocks = buffers.map((reference) => Block.attach(reference));
        let known = present.get(block)?.deref();
        if (known === undefined) present.set(block, new WeakRef((known = new Shared(block, blocks))));
        return known;
      },
    });
  }
}

interface State {
  readonly message: BlockReference;
  readonly buffers: readonly BlockReference[];
}

/** Each thread reads a value once, however many tasks get it. */
const present = new WeakMap<Block, WeakRef<Shared<unknown>>>();

/**
 * Puts a value into shared memory once, for many tasks: each gets the handle, and each worker reads the value when it is first used there. The ArrayBuffers
 * and typed arrays in it are not copied by anybody: they are the shared memory, so a change is seen by all. The rest of it each worker has for itself.
 *
 * The memory is given back when nobody has the handle, nor an array of it, any more.
 *
 * @param value - Data of any kind that travels without functions and classes.
 * @throws SerializationError when there are some in it; SharedMemoryError when there is no memory for it.
 * @example
 * ```ts
 * import { Pool, shared } from 'manycore';
 * await using pool = new Pool(2);
 * const table = shared({ prices: new Float64Array(1_000_000).fill(2) });
 * console.log(await pool.map((i: number) => table.value.prices[i], [1, 2, 3])); // [ 2, 2, 2 ]
 * ```
 */
export function shared<T>(value: T): Shared<T> {
  const { bytes, attachments } = encodeAhead(new Encoder(undefined, { leastBeside: 1 }), value, { copyBelow: 0 });
  const contents = attachments.map(({ buffer }) => new Uint8Array(buffer));
  const lengths = contents.map(({ length }) => (length < minAttachmentBytes ? length : 0));
  const places = placesOf(lengths);
  // In front of the value, the number of its first attachment: 0.
  const message = allocate(places.at(-1)! + 1 + bytes.length, { exact: true });
  new Int32Array(message.buffer, 0, 1 + lengths.length).set([lengths.length, ...lengths]);
  new Uint8Array(message.buffer).set(bytes, places.at(-1)! + 1);
  const buffers: Block[] = [];
  for (const [i, content] of contents.entries()) {
    let target = message.buffer;
    if (lengths[i] === 0) {
      const block = allocate(content.length, { exact: true });
      buffers.push(block);
      target = block.buffer;
    }
    new Uint8Array(target).set(content, lengths[i] === 0 ? 0 : places[i]);
  }
  return new Shared<T>(message, buffers);
}

/**
 * Where what is in the first block: the number of buffers and the length of each, 0 for those that have a block of their own; the
 * others, a block for each of which would be too much; last, the value.
 */
function placesOf(lengths: readonly number[]): number[] {
  let at = (1 + lengths.length) * 4;
  return [...lengths, 0].map((length) => {
    const place = Math.ceil(at / 8) * 8;
    at = place + length;
    return place;
  });
}
