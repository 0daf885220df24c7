import { constants } from 'node:buffer';
import { checkCount, checkKeys, show } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { maxConnectionMessageBytes } from '../limits.ts';
import { type Address, checkAddress, isLoopback } from '../manager/address.ts';
import { type Secret, secretOf } from './digests.ts';

/** Python's names of the kinds of address: a Unix socket, or a TCP port. */
export type Family = 'AF_UNIX' | 'AF_INET';

/** What a `Listener` and a `Client` have in common. */
export interface PeerOptions {
  /** The secret of both sides. Without it nobody is asked for one. */
  readonly authKey?: string | Uint8Array | undefined;
  /** Default: what the address is. */
  readonly family?: Family | undefined;
  /** MD5 is good enough to show the key by: CPython up to 3.11 knows nothing else. Default false. */
  readonly legacy?: boolean | undefined;
  /** TCP beyond this machine, where whoever is on the way can read and change everything. Default false. */
  readonly insecure?: boolean | undefined;
  /** The most bytes of one message, either way. Default 64 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Every dict that is received becomes a Map, also those whose keys are all strings. Default false. */
  readonly maps?: boolean | undefined;
}

export const peerKeys: readonly string[] = ['authKey', 'family', 'legacy', 'insecure', 'maxMessageBytes', 'maps'];

/** What a connection needs to know. */
export interface Peer {
  readonly address: Address | undefined;
  readonly secret: Secret | undefined;
  readonly maxMessageBytes: number;
  readonly maps: boolean;
}

/** @throws ArgumentTypeError, ArgumentRangeError */
export function peerOf(of: string, address: unknown, options: PeerOptions, known: readonly string[]): Peer {
  checkKeys(of, options, known);
  const {
    authKey,
    family,
    legacy = false,
    insecure = false,
    maxMessageBytes = maxConnectionMessageBytes,
    maps = false,
  } = options;
  for (const [name, value] of Object.entries({ legacy, insecure, maps }))
    if (typeof value !== 'boolean')
      throw new ArgumentTypeError(`Cannot use ${name} ${show(value)}: expected true or false.`);
  checkCount('maxMessageBytes', maxMessageBytes, 1, constants.MAX_LENGTH);
  if (family !== undefined && family !== 'AF_UNIX' && family !== 'AF_INET')
    throw new ArgumentRangeError(`Family ${show(family)} is not recognized: expected "AF_UNIX" or "AF_INET".`);
  const target = address === undefined ? defaultAddress(family) : checkPlain(address, insecure);
  if (family !== undefined && target !== undefined && family !== familyOf(target))
    throw new ArgumentRangeError(`Cannot use this address with ${family}: it is one of ${familyOf(target)}.`);
  return {
    address: target,
    secret: authKey === undefined ? undefined : secretOf(authKey, legacy),
    maxMessageBytes,
    maps,
  };
}

function checkPlain(given: unknown, insecure: boolean): Address {
  const { address } = checkAddress(given, false, true);
  if (typeof address !== 'string' && !insecure && !isLoopback(address.host!))
    throw new ArgumentRangeError(
      `Cannot use ${address.host}: Python's protocol is not encrypted, whoever is on the way could read and change everything. Go through a tunnel, or say \`insecure: true\`.`,
    );
  return address;
}

/** Undefined: a Unix socket in a folder of its own. */
function defaultAddress(family: Family | undefined): Address | undefined {
  return family === 'AF_INET' ? { host: '127.0.0.1', port: 0 } : undefined;
}

function familyOf(address: Address): Family {
  return typeof address === 'string' ? 'AF_UNIX' : 'AF_INET';
}
