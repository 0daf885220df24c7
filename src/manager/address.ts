import { isIPv4, isIPv6 } from 'node:net';
import { show } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';

/** Where a manager's server listens: the path of a Unix socket, or a TCP port. */
export type Address = string | TcpAddress;

/** A TCP port. Without a host the server is reached from its own machine only. */
export interface TcpAddress {
  readonly host?: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** The certificates with which both sides show who they are, in place of what the key alone secures. PEM, as in `node:tls`. */
export interface TlsOptions {
  readonly ca: string | Uint8Array;
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  /** The other side's certificate must have one of these SHA-256 fingerprints, besides being signed by `ca`. */
  readonly fingerprints?: readonly string[];
  /** The name in the server's certificate. Default: its host. */
  readonly serverName?: string;
}

/** How what is sent over TCP is protected: by the key (the default), by certificates, or not at all. */
export type TlsOption = 'psk' | TlsOptions | false;

/** A checked address, with how to talk to it. */
export interface Target {
  readonly address: Address;
  readonly tls: TlsOption;
}

const localHost = '127.0.0.1';
/** `sun_path`, with its final zero. */
const maxPathBytes = 107;

/**
 * @throws ArgumentTypeError, ArgumentRangeError for what is no address, or would send everything readable over a network.
 */
export function checkAddress(address: unknown, tls: TlsOption = 'psk', insecure = false): Target {
  if (typeof address === 'string') {
    if (address === '') throw new ArgumentRangeError('Cannot use address "": expected the path of a Unix socket.');
    if (Buffer.byteLength(address) > maxPathBytes)
      throw new ArgumentRangeError(
        `Cannot use address ${JSON.stringify(address)}: a socket's path has at most 107 bytes.`,
      );
    return { address, tls: false };
  }
  if (typeof address !== 'object' || address === null)
    throw new ArgumentTypeError(`Cannot use address ${show(address)}: expected a path or { host, port }.`);
  const { host = localHost, port } = address as TcpAddress;
  if (typeof port !== 'number' || typeof host !== 'string')
    throw new ArgumentTypeError(`Cannot use address ${show(address)}: expected a path or { host, port }.`);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new ArgumentRangeError(`Cannot use port ${port}: expected a whole number from 0 to 65535.`);
  if (tls === false && !insecure && !isLoopback(host))
    throw new ArgumentRangeError(
      `Cannot use ${host} without TLS: whoever is on the way could read and change everything. Leave \`tls\` out, or say \`insecure: true\`.`,
    );
  return { address: { host, port }, tls };
}

/** A name of Linux that is in no folder. */
export function isAbstract(path: string): boolean {
  return path.startsWith('\0');
}

export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  if (isIPv6(host)) return host === '::1' || /^::ffff:127\./i.test(host);
  return host === 'localhost';
}

export function isLocal(address: Address): boolean {
  return typeof address === 'string' || isLoopback(address.host ?? localHost);
}

export function showAddress(address: Address): string {
  return typeof address === 'string' ? address : `${address.host ?? localHost}:${address.port}`;
}
