import { renameSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { ManagerStateError } from '../errors.ts';
import type { Address, TcpAddress } from './address.ts';
import { descriptorOf } from './descriptor.ts';

/** A socket that listens, for a process that is to be started with it. */
export interface ListeningSocket {
  readonly fd: number;
  readonly address: Address;
  /** This process's end of it; the other process goes on listening. */
  close(): void;
}

/**
 * Clients can connect from now on: they are kept waiting until the process that gets the socket takes them up. So nobody has
 * to be told when the server is there, and a server that dies before that sends them away.
 */
export function listenInFolder(folder: string): ListeningSocket {
  const server = createServer();
  const bound = join(folder, 'bound');
  const path = join(folder, 'socket');
  server.listen(bound);
  // libuv removes the name that it has bound when this process closes its end.
  renameSync(bound, path);
  return { fd: open(server), address: path, close: () => server.close() };
}

/** The same for TCP, where the host has to be looked up first. */
export async function listenOnPort({ host = '127.0.0.1', port }: TcpAddress): Promise<ListeningSocket> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, resolve);
  });
  const bound = server.address();
  const chosen = typeof bound === 'object' && bound !== null ? bound.port : port;
  return { fd: open(server), address: { host, port: chosen }, close: () => server.close() };
}

function open(server: Server): number {
  const fd = descriptorOf(server);
  if (fd === undefined) {
    server.close();
    throw new ManagerStateError('Cannot start a server here: use getServer() in a process of your own.');
  }
  return fd;
}
