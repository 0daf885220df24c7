import { connect, type Socket } from 'node:net';
import { AuthKey } from '#internal/manager/auth-key.js';
import { ClientHandshake } from '#internal/manager/handshake.js';
import type { Address } from 'manycore/managers';

/** A client that sends whatever it likes. */
export interface RawClient {
  readonly socket: Socket;
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
  received(): Buffer;
}

export function dialRaw(address: Address): RawClient {
  const socket = typeof address === 'string' ? connect(address) : connect({ ...address });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return { socket, closed, received: () => Buffer.concat(chunks) };
}

/** The same, after it has shown the key over a connection without TLS. */
export async function dialAuthenticated(address: Address, key: Uint8Array): Promise<RawClient> {
  const client = dialRaw(address);
  const { socket } = client;
  await new Promise<void>((resolve, reject) => {
    socket.once('close', () => reject(new Error('closed in the handshake')));
    socket.once('connect', () => {
      const secrets = { key: new AuthKey(key).derive('handshake'), binding: new Uint8Array() };
      const handshake = new ClientHandshake(secrets, (bytes) => void socket.write(bytes));
      const read = (chunk: Buffer): void => {
        try {
          if (!handshake.push(chunk)) return;
        } catch (error) {
          return reject(error as Error);
        }
        socket.off('data', read);
        resolve();
      };
      socket.on('data', read);
    });
  });
  return client;
}

export function frame(...body: readonly number[]): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, Buffer.from(body)]);
}
