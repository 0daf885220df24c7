import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { AuthenticationError, ProtocolError } from '../errors.ts';
import { unbroken } from '../unbroken.ts';
import { showAddress, type Target } from './address.ts';
import { AuthKey } from './auth-key.ts';
import { Connection } from './connection.ts';
import type { ProxyMaker } from './connection-values.ts';
import type { Reference, ServerAccess } from './reference.ts';
import type * as Python from './python/accesses.ts';

export type ProxyClass = new (reference: Reference) => object;

/** How a proxy travels. The key is in it only on the way to those that this program has started. */
export interface ProxyState extends Target {
  readonly kind: string;
  readonly id: string;
  readonly key?: Uint8Array | undefined;
  /** Its maker's own word may reach the server later. */
  readonly mayCome: boolean;
  readonly allowsCode: boolean;
  readonly python?: ServerAccess['python'];
  /** What Python calls its type. */
  readonly typeid?: string | undefined;
}

/** The classes by kind; `remote` is for all that are the user's. */
export const proxyClasses: Map<string, ProxyClass> = new Map();
export const userKind = 'remote';

const connections = new Map<string, Connection>();
/** The keys of the servers that this thread has to do with. */
const keys = new Map<string, AuthKey>();

/** What is being encoded for whom; undefined: for those that this program has started. */
let packing: { readonly connection: Connection; readonly references: Set<Reference> } | undefined;
let referenceOf: ProxyMaker['referenceOf'] = () => undefined;

/** The base class tells how to look into a proxy. */
export function tellReferences(find: ProxyMaker['referenceOf']): void {
  referenceOf = find;
}

/** This thread's connection to a server: one for all. */
export function connectionTo(target: Target, key: AuthKey, allowsCode: boolean, isPatient = false): Connection {
  const name = createHash('sha256')
    .update(JSON.stringify([showAddress(target.address), target.tls, key.fingerprint]))
    .digest('hex');
  let connection = connections.get(name);
  if (connection === undefined || connection.error !== undefined) {
    connection = new Connection({ target, key, allowsCode, isPatient, proxies: proxyMaker });
    connection.onClose(() => {
      if (connections.get(name) === connection) connections.delete(name);
    });
    connections.set(name, connection);
  }
  rememberKey(target, key);
  return connection;
}

export function rememberKey({ address }: Target, key: AuthKey): void {
  keys.set(showAddress(address), key);
}

/** What is told of a proxy that is sent. */
export function travellingState(reference: Reference): ProxyState {
  const { connection, kind, id } = reference;
  const { target, key, allowsCode, python } = connection;
  if (packing !== undefined && packing.connection === connection) packing.references.add(reference);
  else if (!reference.travelled || !reference.isConfirmed) {
    connection.travels(reference);
    reference.travelled = true;
  }
  return {
    ...target,
    kind,
    id,
    mayCome: !reference.isConfirmed,
    allowsCode,
    ...(python !== undefined && { python, typeid: reference.typeid }),
    ...(packing === undefined && { key: key.raw }),
  };
}

/** Refers to what a travelling proxy stands for. */
export function attachReference(state: ProxyState): Reference {
  const { address, tls, kind, id, key: raw, mayCome, allowsCode, python } = state;
  const key = raw === undefined ? keys.get(showAddress(address)) : new AuthKey(raw);
  if (key === undefined)
    throw new AuthenticationError(
      `Cannot use a shared object of the server at ${showAddress(address)}: its key is not known here. Connect to it first.`,
    );
  if (python !== undefined) return loadPython().attachToPython({ address, tls }, key, python, state);
  const connection = connectionTo({ address, tls }, key, allowsCode, mayCome);
  connection.users++;
  return connection.attach(kind, id, mayCome);
}

/** Few programs have to do with Python's servers. */
function loadPython(): typeof Python {
  return unbroken(() => createRequire(import.meta.url)('../manager/python/accesses.js') as typeof Python);
}

function classOf(kind: string): ProxyClass {
  let found = proxyClasses.get(kind);
  if (found === undefined) {
    // A worker loads the class of the proxy that came to it; one that gives others needs their classes too, at once.
    unbroken(() => void createRequire(import.meta.url)('../manager/proxies/index.js'));
    found = proxyClasses.get(kind) ?? proxyClasses.get(userKind);
  }
  if (found === undefined) throw new ProtocolError(`There is no proxy of kind ${JSON.stringify(kind)}.`);
  return found;
}

export const proxyMaker: ProxyMaker = {
  make: (kind, reference) => new (classOf(kind))(reference),
  referenceOf: (value) => referenceOf(value),
  stateOf: (reference) => {
    const { key: _, ...state } = travellingState(reference);
    return state;
  },
  attach: (state) => {
    const reference = attachReference(state as ProxyState);
    return new (classOf(reference.kind))(reference);
  },
  collect: (connection, body) => {
    const before = packing;
    const references = new Set<Reference>();
    packing = { connection, references };
    try {
      body();
    } finally {
      packing = before;
    }
    return [...references];
  },
};
