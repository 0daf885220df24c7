import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionLostError } from '../errors.ts';
import { redialMs } from '../limits.ts';
import { type Address, showAddress } from '../manager/address.ts';

/** An address for a message: the zero of an abstract name is shown as other tools show it. */
export function whereIs(address: Address): string {
  return showAddress(address).replace('\0', '@');
}

/**
 * Connects.
 *
 * @throws ConnectionLostError when nobody listens there; the reason of `over` when it was aborted.
 */
export async function dial(address: Address, over: AbortSignal): Promise<Socket> {
  for (;;) {
    try {
      return await connectTo(address, over);
    } catch (error) {
      if (over.aborted) throw over.reason;
      const { code, message } = error as NodeJS.ErrnoException;
      // As many wait at this Unix socket as its listener said, which is one by Python's default: a blocking `connect` would wait.
      if (code !== 'EAGAIN')
        throw new ConnectionLostError(`Cannot connect to ${whereIs(address)}: ${message}.`, false, { cause: error });
      await sleep(redialMs, undefined, { signal: over }).catch(() => undefined);
      if (over.aborted) throw over.reason;
    }
  }
}

function connectTo(address: Address, over: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(typeof address === 'string' ? { path: address } : { ...address });
    const done = (error?: Error): void => {
      over.removeEventListener('abort', giveUp);
      socket.off('error', done).off('connect', connected);
      if (error === undefined) return resolve(socket);
      socket.destroy();
      reject(error);
    };
    const connected = (): void => done();
    const giveUp = (): void => done(over.reason as Error);
    over.addEventListener('abort', giveUp, { once: true });
    socket.once('error', done).once('connect', connected);
  });
}
