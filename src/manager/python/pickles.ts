import { type Call, PythonName } from '../../connection/pickle/calls.ts';
import { loads } from '../../connection/pickle/decode.ts';
import { dumps } from '../../connection/pickle/encode.ts';
import { type Known, plainGlobals } from '../../connection/pickle/globals.ts';
import { UnpicklingError } from '../../errors.ts';
import { arrayOf } from './array.ts';
import { autoProxy, proxyClassNames, proxyNameOf } from './kinds.ts';
import { PythonInstance, PythonSlice, Token } from './token.ts';

/** What stands for an object of the server that it is sent to. */
export interface SentProxy {
  readonly token: Token;
  /** What may be called, where the server has said so. */
  readonly exposed: readonly unknown[] | undefined;
}

/** A server's proxies, as they are sent to it and received from it. */
export interface Proxies {
  /** Undefined for what is no proxy of this server. */
  sent(value: object): SentProxy | undefined;
  received(token: Token, exposed: readonly unknown[] | undefined): object;
}

const managers = 'multiprocessing.managers';

/** A request: data, and proxies of the server's own objects. */
export function pickle(value: unknown, proxies: Proxies): Buffer {
  return dumps(value, (each) => callOf(each, proxies));
}

function callOf(value: object, proxies: Proxies): Call | undefined {
  if (value instanceof PythonSlice) return { module: 'builtins', name: 'slice', args: [value.start, value.end, null] };
  if (value instanceof Token) return { module: managers, name: 'Token', args: [value.typeid, value.address, value.id] };
  const proxy = proxies.sent(value);
  if (proxy === undefined) return undefined;
  const { token, exposed } = proxy;
  const name = proxyNameOf(token.typeid);
  const more = name === autoProxy && exposed !== undefined ? { exposed } : {};
  return { module: managers, name: 'RebuildProxy', args: [new PythonName(managers, name), token, 'pickle', more] };
}

/** Python's tuple of the kind of reply and what there is to it. */
export type Reply = readonly [kind: unknown, value: unknown];

/**
 * Reads a reply. What it may name is a closed list: plain data, proxies and their tokens, arrays, namespaces. Of anything else, in
 * an error alone, the name and arguments are kept; nothing is imported or run.
 *
 * @throws UnpicklingError
 */
export function unpickle(bytes: Uint8Array, proxies: Proxies): Reply {
  const others: string[] = [];
  const reply = loads(bytes, {
    globals: (module, name) => {
      const known = knownOf(module, name, proxies) ?? plainGlobals(module, name);
      if (known !== undefined) return known;
      const own = module === 'builtins' || /^(?:queue|_queue|threading|multiprocessing\.\w+)$/.test(module);
      const shown = own ? name : `${module}.${name}`;
      return {
        make: (args) => {
          others.push(shown);
          return new PythonInstance(shown, args);
        },
        build: () => {},
      };
    },
  });
  if (!Array.isArray(reply) || reply.length !== 2)
    throw new UnpicklingError('The server has sent what is no reply of a manager.');
  if (others.length > 0 && reply[0] !== '#ERROR')
    throw new UnpicklingError(
      `The result holds ${others[0]} of Python: only plain data and proxies are received.`,
      others[0],
    );
  return reply as unknown as Reply;
}

function knownOf(module: string, name: string, proxies: Proxies): Known | undefined {
  if (module === 'array' && name === 'array')
    return {
      make: (args, charge) => {
        charge(args[1] instanceof Uint8Array ? args[1].length : 0);
        return arrayOf(args);
      },
    };
  // What a dict's `items()` and the like give.
  if (module === 'builtins' && name === 'list')
    return { make: ([items], charge) => (charge(itemsOf(items).length), [...itemsOf(items)]) };
  if (module !== managers) return undefined;
  if (name === 'RebuildProxy') return { make: ([, token, , more]) => rebuild(token, more, proxies) };
  if (name === 'Token') return { make: readToken, build: (token, state) => (token as Token).read(state) };
  if (name === 'Namespace')
    return { make: () => ({}), build: (values, state) => void Object.assign(values as object, entries(state)) };
  return proxyClassNames.has(name) ? { make: refuse } : undefined;
}

function readToken(args: readonly unknown[]): Token {
  const token = new Token();
  if (args.length > 0) token.read(args);
  return token;
}

function rebuild(token: unknown, more: unknown, proxies: Proxies): object {
  if (!(token instanceof Token)) throw new UnpicklingError('The message holds a proxy of nothing.');
  const exposed: unknown = more instanceof Map ? more.get('exposed') : undefined;
  return proxies.received(token, Array.isArray(exposed) ? exposed : undefined);
}

/** A namespace is told as its attributes. */
function entries(state: unknown): object {
  return state instanceof Map ? Object.fromEntries(state as Map<string, unknown>) : {};
}

function itemsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new UnpicklingError('The message makes a list of something else.');
}

function refuse(): never {
  throw new UnpicklingError('The message makes a proxy in a way that is not known here.');
}
