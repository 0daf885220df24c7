import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { AuthenticationError, ObjectGoneError, ProtocolError } from '../errors.ts';
import { unbroken } from '../unbroken.ts';
import { unsendable } from '../wire/unsendable.ts';
import { type Address, showAddress, type Target } from './address.ts';
import { AuthKey } from './auth-key.ts';
import { Connection } from './connection.ts';
import type { ProxyMaker } from './connection-values.ts';
import type { ForeignState } from './foreign.ts';
import type { Reference, ServerAccess } from './reference.ts';
import type * as Python from './python/accesses.ts';

export type ProxyClass = new (reference: Reference) => object;

/** How a proxy travels to those that this program has started. What goes through a server has no key in it. */
export interface ProxyState extends ForeignState, Target {
  readonly address: Address;
  readonly key?: Uint8Array | undefined;
  readonly allowsCode: boolean;
  readonly python?: ServerAccess['python'];
}

/** A server that this thread has to do with: it connected to it, or the program that started this thread has told it. */
interface Known {
  readonly target: Target;
  readonly key: AuthKey;
  readonly allowsCode: boolean;
  readonly python?: ServerAccess['python'];
}

/** The classes by kind; `remote` is for all that are the user's. */
export const proxyClasses: Map<string, ProxyClass> = new Map();
export const userKind = 'remote';

const connections = new Map<string, Connection>();
const servers = new Map<string, Known>();

/** What is being encoded for whom; undefined: for those that this program has started. */
let packing: { readonly connection: Connection | undefined; readonly references: Set<Reference> } | undefined;
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
  rememberServer({ target, key, allowsCode });
  return connection;
}

export function rememberServer(known: Known): void {
  servers.set(showAddress(known.target.address), known);
}

function serverAt(address: Address): Known {
  const known = servers.get(showAddress(address));
  if (known !== undefined) return known;
  throw new AuthenticationError(
    `Cannot use a shared object of the server at ${showAddress(address)}: its key is not known here. Connect to it first.`,
  );
}

/** A manager holds the key of its server: that goes to this program's own, and through a server to nobody who may not have it. */
export function refuseToOthers(what: string, connection: ServerAccess): void {
  if (packing === undefined || packing.connection === connection) return;
  throw unsendable(`a ${what} holds the key of its server`, 'Send proxies, or the address.');
}

/** What is told of a proxy that is sent. */
export function travellingState(reference: Reference): ProxyState {
  const { target, key, allowsCode, python } = reference.connection;
  noteTravel(reference);
  return {
    ...foreignState(reference),
    ...target,
    allowsCode,
    ...(python !== undefined && { python }),
    ...(packing === undefined && { key: key.raw }),
  };
}

function noteTravel(reference: Reference): void {
  const { connection } = reference;
  if (packing !== undefined && packing.connection === connection) packing.references.add(reference);
  else if (!reference.travelled || !reference.isConfirmed) {
    connection.travels(reference);
    reference.travelled = true;
  }
}

function foreignState({ connection, kind, id, typeid, isConfirmed }: Reference): ForeignState {
  const { target, python } = connection;
  return { address: target.address, kind, id, mayCome: !isConfirmed, ...(python !== undefined && { typeid }) };
}

/** Refers to what a proxy that came from this program's own stands for. */
export function attachReference(state: ProxyState): Reference {
  const { address, tls, key, allowsCode, python, kind, typeid } = state;
  if (key === undefined) return attachTo(serverAt(address), state);
  const server = {
    target: { address, tls },
    key: new AuthKey(key),
    allowsCode,
    ...(python !== undefined && { python }),
  };
  if (python !== undefined && typeid !== undefined)
    loadPython().accessTo(server.target, server.key, python).kinds.set(typeid, kind);
  return attachTo(server, state);
}

function attachTo({ target, key, allowsCode, python }: Known, { kind, id, mayCome, typeid }: ForeignState): Reference {
  if (python !== undefined) return loadPython().attachToPython(target, key, python, { kind, id, typeid });
  if (typeid !== undefined)
    throw new ObjectGoneError(`The server at ${showAddress(target.address)} is not Python's, as it was.`);
  const connection = connectionTo(target, key, allowsCode, mayCome);
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

export function proxyFor(reference: Reference): object {
  return new (classOf(reference.kind))(reference);
}

export const proxyMaker: ProxyMaker = {
  make: (kind, reference) => new (classOf(kind))(reference),
  referenceOf: (value) => referenceOf(value),
  stateOf: (reference) => {
    noteTravel(reference);
    return foreignState(reference);
  },
  attach: (state) => proxyFor(attachTo(serverAt(state.address), state)),
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
