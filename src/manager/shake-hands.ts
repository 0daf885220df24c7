import type { Socket } from 'node:net';
import type { AuthKey } from './auth-key.ts';
import { ClientHandshake } from './handshake.ts';

export interface HandshakeEvents {
  /** Both sides have the key. */
  done(handshake: ClientHandshake): void;
  /** The server has another key, or is gone: then without an error. */
  lost(error?: Error): void;
}

/** Shows the server on a socket that this side has the key, and has it show the same. */
export function shakeHands(socket: Socket, key: AuthKey, binding: Uint8Array, { done, lost }: HandshakeEvents): void {
  const handshake = new ClientHandshake({ key: key.derive('handshake'), binding }, (bytes) => {
    socket.write(bytes);
  });
  const ended = (): void => lost();
  const read = (chunk: Buffer): void => {
    try {
      if (!handshake.push(chunk)) return;
    } catch (error) {
      return lost(error as Error);
    }
    socket.off('data', read).off('error', lost).off('close', ended);
    done(handshake);
  };
  socket.on('data', read).on('error', lost).on('close', ended);
}
