import { checkTimeout } from '../arguments.ts';
import { AbortError, ArgumentTypeError, TimeoutError } from '../errors.ts';
import { dialMs } from '../limits.ts';
import type { Address } from '../manager/address.ts';
import { SocketConnection } from './connection.ts';
import { dial, whereIs } from './dial.ts';
import type { Secret } from './digests.ts';
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
 * @throws ConnectionLostError when nobody listens there, or goes away before both have shown the key; `cause` has the system's
 *   error. TimeoutError, AbortError.
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
  const timeoutMs = options.timeout === undefined ? dialMs : checkTimeout(options.timeout);
  const { signal } = options;
  const over = new AbortController();
  const where = whereIs(peer.address);
  const late = (): void => over.abort(new TimeoutError(`Nobody has answered at ${where} within ${timeoutMs} ms.`));
  const abort = (): void => over.abort(aborted(signal!));
  const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    if (signal?.aborted === true) throw aborted(signal);
    const messages = new MessageSocket(await dial(peer.address, over.signal));
    if (peer.secret !== undefined) await showKey(messages, peer.secret, over.signal);
    return new SocketConnection(messages, peer);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

async function showKey(messages: MessageSocket, secret: Secret, over: AbortSignal): Promise<void> {
  const giveUp = (): void => messages.fail(over.reason as Error);
  over.addEventListener('abort', giveUp, { once: true });
  try {
    await authenticate(messages, secret, 'client');
  } catch (error) {
    messages.fail(error as Error);
    throw error;
  } finally {
    over.removeEventListener('abort', giveUp);
  }
}

function aborted(signal: AbortSignal): AbortError {
  return new AbortError('The connection was given up, as its signal was aborted.', { cause: signal.reason });
}
