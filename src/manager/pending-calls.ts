import { ProtocolError } from '../errors.ts';

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The calls of a connection that are not answered yet, by their numbers. */
export class PendingCalls {
  readonly #pending = new Map<number, Pending>();

  get size(): number {
    return this.#pending.size;
  }

  /** The answer of call `id`; `cancel` tells the server that it is given up. */
  add(id: number, signal: AbortSignal | undefined, cancel: (id: number) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#pending.set(id, signal === undefined ? { resolve, reject } : heed(signal, { resolve, reject }, id, cancel));
    });
  }

  /** Call `id`, which is answered now. */
  take(id: number): Pending {
    const pending = this.#pending.get(id);
    if (pending === undefined) throw new ProtocolError('A server answers what it was not asked.');
    this.#pending.delete(id);
    return pending;
  }

  /** Those that there are, which nobody will answer. */
  takeAll(): Pending[] {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    return pending;
  }
}

/** The server is told that a call is given up; what it says then counts, as it may have been faster. */
function heed(signal: AbortSignal, { resolve, reject }: Pending, id: number, cancel: (id: number) => void): Pending {
  const abort = (): void => cancel(id);
  const done = (): void => signal.removeEventListener('abort', abort);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return {
    resolve: (value) => {
      done();
      resolve(value);
    },
    reject: (error) => {
      done();
      if (error.name === 'AbortError') Object.defineProperty(error, 'cause', { value: signal.reason });
      reject(error);
    },
  };
}
