import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { ConnectionStateError } from '../errors.ts';
import { listenBacklog } from '../limits.ts';
import type { Address } from '../manager/address.ts';
import { makeFolder, removeFolder } from '../manager/folder.ts';

/** The paths of sockets that go with the program. */
const paths = new Set<string>();

const removeAll = (): void => {
  for (const path of paths) rmSync(path, { force: true });
};

export function closedError(): ConnectionStateError {
  return new ConnectionStateError('The listener is closed.');
}

/** A socket that listens, and its place in the file system if it has one. */
export class ListeningPlace {
  /** Resolves when it listens. */
  readonly ready: Promise<void>;
  readonly #server: Server;
  readonly #folder: string | undefined;
  readonly #path: string | undefined;
  #address: Address | undefined;
  #closed = false;
  readonly #giveUp: () => void;

  /**
   * @param asked - Undefined: a Unix socket in a folder that only this user can enter.
   * @param came - Called with who has connected, and from where: `''` of a Unix socket.
   */
  constructor(asked: Address | undefined, came: (socket: Socket, address: Address) => void) {
    this.#folder = asked === undefined ? makeFolder() : undefined;
    const address = asked ?? join(this.#folder!, 'socket');
    if (typeof address === 'string' || address.port !== 0) this.#address = address;
    this.#server = createServer((socket) => came(socket, addressOf(socket)));
    this.#server.unref();
    let giveUp = (): void => {};
    this.ready = new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(
        typeof address === 'string'
          ? { path: address, backlog: listenBacklog }
          : { ...address, backlog: listenBacklog },
        () => {
          this.#server.off('error', reject).on('error', () => {});
          this.#address ??= this.#bound();
          resolve();
          // While the host was looked up there was nothing to be closed.
          if (this.#closed) this.#server.close();
        },
      );
      giveUp = () => reject(closedError());
    });
    this.#giveUp = giveUp;
    // A name in the abstract space is in no folder.
    if (typeof address !== 'string' || address.startsWith('\0') || !this.#server.listening) return;
    this.#path = address;
    // Whatever the umask is, other users have no business here.
    chmodSync(address, 0o600);
    if (paths.size === 0) process.on('exit', removeAll);
    paths.add(address);
  }

  get address(): Address | undefined {
    return this.#address;
  }

  #bound(): Address | undefined {
    const bound = this.#server.address();
    return typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : undefined;
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }

  close(): void {
    this.#closed = true;
    this.#giveUp();
    this.#server.close();
    if (this.#folder !== undefined) removeFolder(this.#folder);
    if (this.#path === undefined || !paths.delete(this.#path)) return;
    if (paths.size === 0) process.off('exit', removeAll);
  }
}

function addressOf({ remoteAddress, remotePort }: Socket): Address {
  return remoteAddress === undefined || remotePort === undefined ? '' : { host: remoteAddress, port: remotePort };
}
