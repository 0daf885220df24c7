import { ArgumentTypeError } from '../errors.ts';
import { checkCount, checkFunction, checkKeys, checkTimeout, show } from '../arguments.ts';
import { minManagerFrameBytes } from '../limits.ts';
import type { Address, TlsOption, TlsOptions } from './address.ts';
import { builtinTypes } from './objects/index.ts';
import type { Registration } from './registration.ts';

/** How a manager's server is reached, and what it takes. */
export interface ConnectOptions {
  /** What both sides have and nobody else: bytes or a string. Shorter than 32 bytes it can be guessed, at a cost. */
  readonly authKey: Uint8Array | string;
  /**
   * Over TCP: `psk` (the default) secures the connection by the key, certificates do it besides, `false` leaves it readable by
   * all on the way.
   */
  readonly tls?: TlsOption;
  /** Allows `tls: false` beyond this machine. */
  readonly insecure?: boolean;
}

/** Options of a `Manager`. */
export interface ManagerOptions extends Partial<ConnectOptions> {
  /** Default: a Unix socket in a folder that only this user can enter. */
  readonly address?: Address;
  /**
   * Whether clients may send functions, which run in the server with all its rights. Default: true for a server that this
   * program has started, false for `getServer()`.
   */
  readonly allowCode?: boolean;
  /** How many clients there can be at once. Default 256. */
  readonly maxConnections?: number;
  /** The largest message, in bytes. Default 64 MiB. */
  readonly maxFrameBytes?: number;
  /** How long an object that was sent to somebody is kept when nobody refers to it any more, in milliseconds. Default 5 minutes. */
  readonly linger?: number;
}

const connectKeys = ['authKey', 'tls', 'insecure'];
const keys = [...connectKeys, 'address', 'allowCode', 'maxConnections', 'maxFrameBytes', 'linger'];

export function checkManagerOptions(of: string, options: ManagerOptions): void {
  checkKeys(of, options, keys);
  checkFlags(options, ['allowCode', 'insecure']);
  checkTls(options.tls);
  const { maxConnections, maxFrameBytes, linger } = options;
  if (maxConnections !== undefined) checkCount('maxConnections', maxConnections, 1, 1_000_000);
  if (maxFrameBytes !== undefined) checkCount('maxFrameBytes', maxFrameBytes, minManagerFrameBytes, 2 ** 30);
  checkTimeout(linger, 'linger');
}

export function checkConnectOptions(options: ConnectOptions): void {
  checkKeys('connect()', options, connectKeys);
  checkFlags(options, ['insecure']);
  checkTls(options.tls);
}

/** Without a `ca` of its own a side would trust all that the system does. */
function checkTls(tls: unknown): void {
  if (tls === undefined || tls === false || tls === 'psk') return;
  if (typeof tls !== 'object' || tls === null)
    throw new ArgumentTypeError(`Cannot use tls ${show(tls)}: expected 'psk', { ca, cert, key } or false.`);
  checkKeys('tls', tls, ['ca', 'cert', 'key', 'fingerprints', 'serverName']);
  for (const name of ['ca', 'cert', 'key']) {
    const value: unknown = Reflect.get(tls, name);
    if (!(typeof value === 'string' && value !== '') && !(value instanceof Uint8Array))
      throw new ArgumentTypeError(`Cannot use tls: expected its ${name}, as PEM.`);
  }
  const { fingerprints, serverName } = tls as Partial<TlsOptions>;
  if (
    fingerprints !== undefined &&
    !(Array.isArray(fingerprints) && fingerprints.every((one) => typeof one === 'string'))
  )
    throw new ArgumentTypeError(`Cannot use fingerprints ${show(fingerprints)}: expected a list of strings.`);
  if (serverName !== undefined && typeof serverName !== 'string')
    throw new ArgumentTypeError(`Cannot use serverName ${show(serverName)}: expected a string.`);
}

function checkFlags(options: object, names: readonly string[]): void {
  for (const name of names) {
    const value: unknown = Reflect.get(options, name);
    if (value !== undefined && typeof value !== 'boolean')
      throw new ArgumentTypeError(`Cannot use ${name} ${show(value)}: expected true or false.`);
  }
}

/** Options of `Manager.register`. */
export interface RegisterOptions {
  /** A class, or a function that gives an object. Only the server needs it. */
  readonly create?: ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown);
  /** The methods that may be called. Default: all whose names do not begin with `_`. */
  readonly exposed?: readonly string[];
  /** Methods whose results stay in the server, and the type as which: `{ children: 'list', walk: 'Iterator' }`. */
  readonly results?: Readonly<Record<string, string>>;
  /** A type that comes with manycore, such as `Queue`: the objects are of that type. */
  readonly type?: string;
  /** There is one object for all who ask. */
  readonly shared?: boolean;
}

const registerKeys = ['create', 'exposed', 'results', 'type', 'shared'];

export function checkRegistration(name: unknown, options: RegisterOptions): Registration {
  if (typeof name !== 'string' || name === '')
    throw new ArgumentTypeError(`Cannot register ${show(name)}: expected a name.`);
  checkKeys('register()', options, registerKeys);
  const { create, exposed, results, type, shared = false } = options;
  if (create !== undefined) checkFunction('create', create);
  if (exposed !== undefined && !Array.isArray(exposed))
    throw new ArgumentTypeError(`Cannot use exposed ${show(exposed)}: expected a list of names.`);
  if (type !== undefined && !builtinTypes.has(type))
    throw new ArgumentTypeError(
      `Cannot use type ${show(type)}: expected one of ${[...builtinTypes.keys()].join(', ')}.`,
    );
  return { name, create, exposed, results, type, shared };
}
