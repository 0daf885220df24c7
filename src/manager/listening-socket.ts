import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { connect, createServer, type ListenOptions, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { ManagerStateError } from '../errors.ts';
import { type Address, isAbstract, type TcpAddress } from './address.ts';
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
  chmodSync(bound, 0o600);
  // libuv removes the name that it has bound when this process closes its end.
  renameSync(bound, path);
  return { fd: open(server), address: path, close: () => server.close() };
}

/** The same at a path that the user has chosen, and where another server may be. */
export async function listenAtPath(path: string): Promise<ListeningSocket> {
  const server = createServer();
  if (isAbstract(path)) await listen(server, { path });
  else {
    await removeStale(path);
    const bound = join(dirname(path), `.${randomBytes(4).toString('hex')}`);
    await listen(server, { path: bound });
    chmodSync(bound, 0o600);
    if (existsSync(path)) {
      server.close();
      throw new ManagerStateError(`Cannot start a server at ${path}: something is there already.`);
    }
    renameSync(bound, path);
  }
  return { fd: open(server), address: path, close: () => server.close() };
}

/** The same for TCP, where the host has to be looked up first. */
export async function listenOnPort({ host = '127.0.0.1', port }: TcpAddress): Promise<ListeningSocket> {
  const server = createServer();
  await listen(server, { host, port });
  const bound = server.address();
  const chosen = typeof bound === 'object' && bound !== null ? bound.port : port;
  return { fd: open(server), address: { host, port: chosen }, close: () => server.close() };
}

function listen(server: Server, at: ListenOptions): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, resolve);
  });
}

function open(server: Server): number {
  const fd = descriptorOf(server);
  if (fd === undefined) {
    server.close();
    throw new ManagerStateError('Cannot start a server here: use getServer() in a process of your own.');
  }
  return fd;
}

/** A socket that a dead server has left is in the way; that of a living one is not touched. */
export async function removeStale(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const refused = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
  if (refused) unlinkSync(path);
}
