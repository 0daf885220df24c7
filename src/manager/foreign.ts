import { ProtocolError } from '../errors.ts';
import type { Address } from './address.ts';
import { idBytes } from './protocol.ts';

/** How a proxy travels over a network: what it stands for, and nothing of how its server is talked to. */
export interface ForeignState {
  readonly address: Address;
  readonly kind: string;
  readonly id: string;
  /** Its maker's own word may reach the server later. */
  readonly mayCome: boolean;
  /** Of a Python server: what that calls its type. */
  readonly typeid?: string | undefined;
}

const maxNameLength = 1_000;
const ourId = new RegExp(`^[0-9a-f]{${2 * idBytes}}$`);
const pythonId = /^[0-9a-f]{1,64}$/;

/**
 * What came over a network, from whomever: which object of which server, and no more. How that server is talked to is the
 * receiver's own knowledge, or a client could send others to a server of its own, and have them run code.
 *
 * @throws ProtocolError for anything else.
 */
export function readForeign(state: unknown): ForeignState {
  const { address, kind, id, mayCome, typeid } = Object(state) as Readonly<Record<keyof ForeignState, unknown>>;
  const place = addressOf(address);
  if (place === undefined || !isName(kind) || !isName(id) || !(typeid === undefined || isName(typeid)))
    throw new ProtocolError('A message holds a shared object of another server that is none.');
  if (!(typeid === undefined ? ourId : pythonId).test(id))
    throw new ProtocolError('A message holds a shared object of another server that has no name.');
  return { address: place, kind, id, mayCome: mayCome === true, ...(typeid !== undefined && { typeid }) };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxNameLength;
}

function addressOf(value: unknown): Address | undefined {
  if (isName(value)) return value;
  const { host, port } = Object(value) as { readonly host?: unknown; readonly port?: unknown };
  if (typeof port !== 'number' || !(host === undefined || isName(host))) return undefined;
  return host === undefined ? { port } : { host, port };
}
