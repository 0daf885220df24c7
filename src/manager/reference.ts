import type { Target } from './address.ts';
import type { AuthKey } from './auth-key.ts';

/** The way to a server, as the proxies of its objects use it. */
export interface ServerAccess {
  readonly target: Target;
  readonly key: AuthKey;
  /** Whether the server runs functions that it is sent. */
  readonly allowsCode: boolean;
  /** Where the server is Python's: how it is talked to. */
  readonly python?: { readonly legacy: boolean };
  /** Resolves when the server has shown that it has the key too. */
  readonly ready: Promise<void>;
  /** Managers and proxies that came here by themselves. */
  users: number;
  call(reference: Reference, method: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown>;
  /** Gives a reference back. */
  drop(reference: Reference): void;
  /** Tells that it was passed on: it outlives its references for a while. */
  travels(reference: Reference): void;
}

/** What a proxy stands for: an object of a connection's server. */
export interface Reference {
  readonly connection: ServerAccess;
  /** The object on this connection: odd ones are the client's, even ones the server's. */
  readonly number: number;
  /** Which kind of proxy stands for it. */
  readonly kind: string;
  /** The object to all who may know it. */
  readonly id: string;
  /** What a Python server calls its type. */
  readonly typeid?: string;
  /** How often it came. */
  count: number;
  /** The server has it. Before that, others who are told of it may come to the server first. */
  isConfirmed: boolean;
  /** Somebody waits for the first answer about it. */
  isConfirming?: boolean;
  /** It was passed on. */
  travelled: boolean;
  /** So that what comes twice is one proxy. */
  proxy?: WeakRef<object>;
}
