import type { Reference } from '../reference.ts';
import type { Lane } from './lane.ts';
import type { PythonAccess } from './access.ts';

/** Who has a lock that belongs to a thread of the server: only the same connection can give it back. */
export interface Holding {
  readonly lane: Lane;
  times: number;
}

/** An object of a Python server. The server says how it is called, when it has made it. */
export class PythonReference implements Reference {
  readonly connection: PythonAccess;
  /** Its id is all that it is known by. */
  readonly number: number = 0;
  readonly kind: string;
  readonly typeid: string;
  id: string;
  count: number = 1;
  isConfirmed: boolean = true;
  travelled: boolean = false;
  proxy?: WeakRef<object>;
  /** What may be called, where the server has said so. */
  exposed: readonly unknown[] | undefined;
  holding: Holding | undefined;
  /** Why there is none. */
  error: Error | undefined;
  #isMade = false;
  readonly #whenSettled: (() => void)[] = [];

  constructor(connection: PythonAccess, kind: string, typeid: string, id = '') {
    this.connection = connection;
    this.kind = kind;
    this.typeid = typeid;
    this.id = id;
  }

  /** It is there and counted, so that it can be called. */
  get isMade(): boolean {
    return this.#isMade;
  }

  get isSettled(): boolean {
    return this.#isMade || this.error !== undefined;
  }

  made(id: string): void {
    this.id = id;
    this.#isMade = true;
    this.#settle();
  }

  failed(error: Error): void {
    this.error = error;
    this.#settle();
  }

  #settle(): void {
    for (const run of this.#whenSettled.splice(0)) run();
  }

  /** Resolves when it is made. @throws why it could not be made. */
  async settled(): Promise<void> {
    await new Promise<void>((resolve) => this.whenSettled(resolve));
    if (this.error !== undefined) throw this.error;
  }

  /** Runs it when it is made or has failed; at once when that is so. */
  whenSettled(run: () => void): void {
    if (this.isSettled) run();
    else this.#whenSettled.push(run);
  }
}
