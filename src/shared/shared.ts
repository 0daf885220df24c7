import { inspect } from 'node:util';
import { allocate, Block, type BlockReference } from '../memory/block.ts';
import { Decoder } from '../wire/decoder.ts';
import { encodeAhead } from '../wire/encoded-message.ts';
import { Encoder } from '../wire/encoder.ts';
import { Reader } from '../wire/reader.ts';
import { travelsAs } from '../wire/shared.ts';

/** A value that was put into shared memory by `shared`. */
export class Shared<T> {
  readonly #message: Block;
  readonly #buffers: readonly Block[];
  #value: { readonly value: T } | undefined;

  /** @internal */
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
    const decoder = new Decoder(undefined, new Map());
    decoder.attachments = this.#buffers.map(({ buffer }) => buffer);
    return decoder.message(new Reader(new Uint8Array(this.#message.buffer))) as T;
  }

  static {
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

Object.defineProperty(Shared.prototype, inspect.custom, {
  value: () => 'Shared {}',
});

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
  const { bytes, attachments } = encodeAhead(new Encoder(undefined, false), value);
  // In front, the number of the first attachment: 0.
  const message = allocate(bytes.length + 1, { exact: true });
  new Uint8Array(message.buffer).set(bytes, 1);
  const buffers = attachments.map(({ buffer }) => {
    const block = allocate(buffer.byteLength, { exact: true });
    new Uint8Array(block.buffer).set(new Uint8Array(buffer));
    return block;
  });
  return new Shared<T>(message, buffers);
}
