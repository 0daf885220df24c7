import { randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { connect as connectPlain, createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { AuthenticationError } from '../errors.ts';
import { handshakeMs, heartbeatMs } from '../limits.ts';
import { isAbstract, isLoopback, type Target, type TlsOptions } from './address.ts';
import type { AuthKey } from './auth-key.ts';

const identity = 'manycore';
/** The hash of this one goes with a key of ours; it is the only one. */
const cipher = 'TLS_AES_128_GCM_SHA256';
const exporter = 'EXPORTER-manycore-manager';
const version = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;
const backlog = 511;

/** Which side of a TLS connection both sides are on, beyond doubt. */
function bindingOf(socket: TLSSocket): Buffer {
  return socket.exportKeyingMaterial(32, exporter, Buffer.alloc(0));
}

function keepAlive(socket: Socket): void {
  socket.setNoDelay(true);
  // The other machine may vanish without a word: the kernel asks for it.
  socket.setKeepAlive(true, heartbeatMs);
}

function pskOf(key: AuthKey): Buffer {
  return key.derive('tls-psk').export();
}

export interface Dialled {
  open(socket: Socket, binding: Uint8Array): void;
  failed(error: Error): void;
}

/** Connects; one of the two functions is called, once. */
export function dial({ address, tls }: Target, key: AuthKey, { open, failed }: Dialled): Socket {
  if (typeof address === 'string' || tls === false) {
    const socket = connectPlain(typeof address === 'string' ? { path: address } : { ...address });
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      if (typeof address !== 'string') keepAlive(socket);
      open(socket, new Uint8Array());
    });
    return socket;
  }
  const fail = (error: Error): void => failed(explain(error));
  const socket = connectTls({
    ...address,
    ...version,
    ...(tls === 'psk'
      ? {
          ciphers: cipher,
          pskCallback: () => ({ psk: pskOf(key), identity }),
          // There is no certificate: the key says who it is.
          checkServerIdentity: () => undefined,
        }
      : { ca: tls.ca as string, cert: tls.cert as string, key: tls.key as string, ...serverName(tls, address.host) }),
  });
  keepAlive(socket);
  socket.once('error', fail);
  socket.once('secureConnect', () => {
    socket.off('error', fail);
    if (tls !== 'psk' && !isListed(socket, tls)) {
      failed(new AuthenticationError("The server's certificate is none of those that `fingerprints` lists."));
      return void socket.destroy();
    }
    open(socket, bindingOf(socket));
  });
  return socket;
}

function serverName({ serverName: name }: TlsOptions, host: string | undefined): { servername?: string } {
  if (name !== undefined) return { servername: name };
  return host !== undefined && isLoopback(host) ? { servername: 'localhost' } : {};
}

/** A TLS handshake fails with an alert when the keys differ. */
function explain(error: Error): Error {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (/^ERR_SSL|^ERR_TLS|^(?:UNABLE|DEPTH_ZERO|SELF_SIGNED|CERT_)/.test(code))
    return new AuthenticationError(
      `The server and this client do not have the same key, or one does not trust the other's certificate (${error.message.trim()}).`,
      { cause: error },
    );
  return error;
}

function isListed(socket: TLSSocket, { fingerprints }: TlsOptions): boolean {
  if (fingerprints === undefined) return true;
  const certificate = socket.getPeerX509Certificate();
  return certificate instanceof X509Certificate && fingerprints.includes(certificate.fingerprint256);
}

export interface Doorman {
  /** Somebody has connected; nothing was read yet. Calls `begin` when it is to go on. */
  came(socket: Socket, begin: () => void): void;
  /** Its TLS connection, if any, stands. */
  open(raw: Socket, socket: Socket, binding: Uint8Array): void;
  /** What it said in the TLS handshake shows that it does not have the key, or no certificate. */
  failed(raw: Socket): void;
}

export interface Listening {
  readonly server: Server;
  /** Resolves when it listens. */
  readonly ready: Promise<void>;
}

/** Listens at an address, or at a socket that was opened before and is descriptor `fd`. */
export function listenAt({ address, tls }: Target, key: AuthKey, doorman: Doorman, fd?: number): Listening {
  const secure = tls === false ? undefined : secureServer(key, tls, doorman);
  const server = createPlainServer((socket) => {
    socket.on('error', () => {});
    if (typeof address !== 'string') keepAlive(socket);
    doorman.came(socket, () => {
      if (secure === undefined) doorman.open(socket, socket, new Uint8Array());
      else secure(socket);
    });
  });
  const ready = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(
      fd !== undefined ? { fd } : typeof address === 'string' ? { path: address, backlog } : { ...address, backlog },
      () => {
        // Later ones are of clients that could not be accepted, such as for want of descriptors: others can.
        server.off('error', reject).on('error', () => {});
        resolve();
      },
    );
    // Whatever the umask is, other users have no business here.
    if (typeof address === 'string' && fd === undefined && !isAbstract(address) && server.listening)
      chmodSync(address, 0o600);
  });
  return { server, ready };
}

/** Which puts TLS on a socket. */
function secureServer(key: AuthKey, tls: 'psk' | TlsOptions, doorman: Doorman): (socket: Socket) => void {
  const raws = new Map<string, Socket>();
  const nameOf = (socket: Socket): string => `${socket.remoteAddress}:${socket.remotePort}`;
  const server = createTlsServer(
    {
      ...version,
      handshakeTimeout: handshakeMs,
      ...(tls === 'psk'
        ? {
            ciphers: cipher,
            // A name that nobody has gets a key that nobody has: which names there are cannot be found out.
            pskCallback: (_: Socket, name: string) => (name === identity ? pskOf(key) : randomBytes(32)),
          }
        : {
            ca: tls.ca as string,
            cert: tls.cert as string,
            key: tls.key as string,
            requestCert: true,
            rejectUnauthorized: true,
          }),
    } as Parameters<typeof createTlsServer>[0],
    (socket) => {
      socket.on('error', () => {});
      const raw = raws.get(nameOf(socket));
      if (raw === undefined) return void socket.destroy();
      if (tls === 'psk' || isListed(socket, tls)) return doorman.open(raw, socket, bindingOf(socket));
      doorman.failed(raw);
      socket.destroy();
    },
  );
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    // Who has only left has another code, and no address any more.
    const raw = error.code?.startsWith('ERR_SSL_') === true ? raws.get(nameOf(socket)) : undefined;
    if (raw !== undefined) doorman.failed(raw);
    socket.destroy();
  });
  return (socket) => {
    const name = nameOf(socket);
    raws.set(name, socket);
    socket.once('close', () => raws.delete(name));
    server.emit('connection', socket);
  };
}
