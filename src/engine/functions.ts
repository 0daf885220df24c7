import { CaptureError, FrameTooLargeError, SerializationError } from '../errors.ts';
import { maxFrameBytes } from '../limits.ts';
import { encodeAhead, EncodedMessage } from '../wire/encoded-message.ts';
import { Encoder } from '../wire/encoder.ts';
import type { Definition } from '../wire/forms.ts';
import { tooLarge } from '../wire/writer.ts';
import { Timing } from './batching.ts';
import { createReader, isConstant } from '../closure/capture.ts';

export type AnyFunction = (...args: never[]) => unknown;

/** A function as the workers get it: its code and the captured values of one moment. */
export interface FunctionHandle {
  /** Its number on every channel. */
  readonly number: number;
  readonly name: string;
  readonly message: EncodedMessage;
  readonly timing: Timing;
  /** The function itself, for a pool without workers. */
  readonly original: AnyFunction;
  /** It is the same at every call: its whole graph is code and constants. */
  readonly constant: boolean;
}

/** What messages call a function that has no name, as stacks do. */
export const anonymous = '<anonymous>';

let last = 0;
/** By the code, not by the function object: a new closure of known code is no unknown function. */
const timings = new WeakMap<Definition, Timing>();

/** The functions that were sent to one kind of worker. */
export class Functions {
  readonly encoder: Encoder;
  readonly #handles = new WeakMap<AnyFunction, FunctionHandle>();

  constructor(shares: boolean) {
    this.encoder = new Encoder(createReader({ toward: 'worker' }), { shares, hands: true });
  }

  /** A handle for a pool without workers, where nothing travels. */
  static inline(fn: AnyFunction): FunctionHandle {
    return {
      number: 0,
      name: nameOf(fn),
      message: new EncodedMessage(Buffer.alloc(0), [], []),
      timing: new Timing(),
      original: fn,
      constant: true,
    };
  }

  /** Captures a function as it is now. Throws `CaptureError` when it, or a variable that it uses, cannot travel. */
  handleOf(fn: AnyFunction): FunctionHandle {
    const known = this.#handles.get(fn);
    if (known?.constant === true) return known;
    const message = this.#capture(fn);
    if (known !== undefined && message.attachments.length === 0 && message.bytes.equals(known.message.bytes))
      return known;
    const handle: FunctionHandle = {
      number: ++last,
      name: nameOf(fn),
      message,
      timing: known?.timing ?? timingOf(message.definitions[0]),
      original: fn,
      constant: isConstant(fn),
    };
    this.#handles.set(fn, handle);
    return handle;
  }

  #capture(fn: AnyFunction): EncodedMessage {
    try {
      const message = encodeAhead(this.encoder, fn);
      if (message.size > maxFrameBytes) throw new FrameTooLargeError(tooLarge(message.size));
      return message;
    } catch (error) {
      throw error instanceof SerializationError ? captureError(fn, error) : error;
    }
  }
}

/** Says which variable of which function it is about: `$ -> db.socket` is the path of a captured variable. */
function captureError(fn: AnyFunction, { message, path, cause }: SerializationError): CaptureError {
  const variable = path.startsWith('$ -> ') ? ` its variable ${JSON.stringify(path.slice(5))} cannot travel:` : '';
  const told = message.replace(
    `Cannot send ${path}:`,
    `Cannot send the function ${JSON.stringify(nameOf(fn))}:${variable}`,
  );
  return new CaptureError(told, path, cause === undefined ? {} : { cause });
}

function nameOf({ name }: AnyFunction): string {
  return name === '' ? anonymous : name;
}

function timingOf(code: Definition | undefined): Timing {
  if (code === undefined) return new Timing();
  let timing = timings.get(code);
  if (timing === undefined) timings.set(code, (timing = new Timing()));
  return timing;
}
