import type { Connection } from './connection.ts';

/** What a proxy stands for: an object of a connection's server. */
export interface Reference {
  readonly connection: Connection;
  /** The object on this connection: odd ones are the client's, even ones the server's. */
  readonly number: number;
  /** Which kind of proxy stands for it. */
  readonly kind: string;
  /** The object to all who may know it. */
  readonly id: string;
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
