import { connect, type Socket } from 'node:net';
import { checkTimeout } from '../arguments.ts';
import { AbortError, ArgumentTypeError, ConnectionLostError, TimeoutError } from '../errors.ts';
import { dialMs } from '../limits.ts';
import { type Address, showAddress } from '../manager/address.ts';
import { SocketConnection } from './connection.ts';
import { authenticate } from './handshake.ts';
import { MessageSocket } from './message-socket.ts';
import { type PeerOptions, peerKeys, peerOf } from './options.ts';

/** How a `Client` connects. */
export interface ClientOptions extends PeerOptions {
  /** Milliseconds to connect and to show each other the key: a listener of Python does that in its `accept`. Default 20,000. */
  readonly timeout?: number | undefined;
  /** Gives the attempt up. */
  readonly signal?: AbortSignal | undefined;
}

const keys = [...peerKeys, 'timeout', 'signal'];

/**
 * Connects to a `Listener`, here or in Python. Python: `multiprocessing.connection.Client`.
 *
 * @param address - The path of a Unix socket (with a zero in front: a Linux abstract name), or `{ host, port }`.
 * @param options - `authKey` when the listener has one; `legacy: true` for CPython up to 3.11.
 * @throws AuthenticationError when one side does not show that it has the key.
 * @throws ConnectionLostError when nobody listens there; `cause` has the system's error. TimeoutError, AbortError.
 * @example
 * ```ts
 * import { Client, Listener } from 'manycore/connection';
 * await using listener = new Listener(undefined, { authKey: 'secret' });
 * const [here, there] = await Promise.all([listener.accept(), Client(listener.address, { authKey: 'secret' })]);
 * await there.send({ question: 42 });
 * console.log(await here.recv()); // { question: 42 }
 * here.close();
 * there.close();
 * ```
 */
export async function Client<Out = unknown, In = Out>(
  address: Address,
  options: ClientOptions = {},
): Promise<SocketConnection<Out, In>> {
  const peer = peerOf('Client', address, options, keys);
  if (peer.address === undefined) throw new ArgumentTypeError('Client needs an address: a path, or { host, port }.');
  const timeoutMs = checkTimeout(options.timeout) ?? dialMs;
  const until = performance.now() + timeoutMs;
  const socket = await dial(peer.address, timeoutMs, options.signal);
  const messages = new MessageSocket(socket);
  const giveUp = (): void => messages.fail(aborted(options.signal!));
  options.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    if (peer.secret !== undefined) await authenticate(messages, peer.secret, 'client', until - performance.now());
  } catch (error) {
    messages.fail(error as Error);
    throw options.signal?.aborted === true ? aborted(options.signal) : error;
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
  return new SocketConnection(messages, peer);
}

function dial(address: Address, timeoutMs: number, signal: AbortSignal | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(signal));
    const socket = connect(typeof address === 'string' ? { path: address } : { ...address });
    const end = (error?: Error): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      socket.off('error', lost).off('connect', end);
      if (error === undefined) return resolve(socket);
      socket.on('error', () => {}).destroy();
      reject(error);
    };
    const where = showAddress(address);
    const lost = (cause: Error): void =>
      end(new ConnectionLostError(`Cannot connect to ${where}: ${cause.message}.`, false, { cause }));
    const abort = (): void => end(aborted(signal!));
    const timer = setTimeout(
      () => end(new TimeoutError(`Nobody has answered at ${where} within ${timeoutMs} ms.`)),
      timeoutMs,
    );
    signal?.addEventListener('abort', abort, { once: true });
    socket.once('error', lost).once('connect', () => end());
  });
}

function aborted(signal: AbortSignal): AbortError {
  return new AbortError('The connection was given up, as its signal was aborted.', { cause: signal.reason });
}
