import { randomBytes } from 'node:crypto';
import {
  AuthenticationError,
  BrokenPipeError,
  ConnectionLostError,
  EndOfFileError,
  FrameTooLargeError,
} from '../errors.ts';
import { responseTo, type Secret, verify } from './digests.ts';
import type { MessageSocket } from './message-socket.ts';

/**
 * CPython's handshake, message by message. Each side in its turn shows that it has the key; the listener asks first.
 *
 *     listener                                   client
 *     #CHALLENGE# {sha256} 40 random bytes  ──▶
 *                                           ◀──  {sha256} HMAC
 *     #WELCOME# or #FAILURE#                ──▶
 *     ... and the same the other way round
 *
 * It does not protect what is said afterwards, and somebody in the middle can pass it on: over a network it needs a tunnel.
 */
const challengeMark = Buffer.from('#CHALLENGE#');
const welcome = Buffer.from('#WELCOME#');
const failure = Buffer.from('#FAILURE#');
const prefix = Buffer.from('{sha256}');
const randomLength = 40;
/** Before the key was shown no message is longer. */
const longest = 256;

type Role = 'listener' | 'client';

/**
 * The challenges of this process that are not answered yet. A client that is asked what a client of this process has asked (on
 * another connection, say) would show the key in the other side's place.
 */
const open: Readonly<Record<Role, Set<string>>> = { listener: new Set(), client: new Set() };

/**
 * How long it may take is up to the caller, who gives the connection up then.
 *
 * @throws AuthenticationError, and ConnectionLostError when the other side went away: the connection has to be closed.
 */
export async function authenticate(messages: MessageSocket, secret: Secret, role: Role): Promise<void> {
  try {
    if (role === 'client') await answerChallenge(messages, secret, open[role]);
    await deliverChallenge(messages, secret, open[role]);
    if (role === 'listener') await answerChallenge(messages, secret, open[role]);
  } catch (error) {
    throw explain(error);
  }
}

function explain(error: unknown): unknown {
  if (error instanceof FrameTooLargeError)
    return new AuthenticationError(`The other side has not shown the key: ${error.message}`, { cause: error });
  if (error instanceof EndOfFileError || error instanceof BrokenPipeError || error instanceof ConnectionLostError)
    return new ConnectionLostError('The other side went away before both had shown the key.', false, { cause: error });
  return error;
}

/** Has the other side show the key. */
async function deliverChallenge(messages: MessageSocket, secret: Secret, ours: Set<string>): Promise<void> {
  const challenge = Buffer.concat([prefix, randomBytes(randomLength)]);
  const name = challenge.toString('latin1');
  ours.add(name);
  try {
    await messages.send(Buffer.concat([challengeMark, challenge]));
    verify(await messages.receive(longest), challenge, secret);
  } catch (error) {
    // It may have gone; who is still there learns it.
    messages.send(failure).catch(() => undefined);
    throw error;
  } finally {
    ours.delete(name);
  }
  await messages.send(welcome);
}

/** Shows the other side the key. */
async function answerChallenge(messages: MessageSocket, secret: Secret, ours: ReadonlySet<string>): Promise<void> {
  const message = await messages.receive(longest);
  if (!message.subarray(0, challengeMark.length).equals(challengeMark))
    throw new AuthenticationError('The other side asks for no key: it is no listener of Python, or has none.');
  const challenge = message.subarray(challengeMark.length);
  if (ours.has(challenge.toString('latin1')))
    throw new AuthenticationError('The other side sends our own challenge back.');
  await messages.send(responseTo(challenge, secret));
  if (!(await messages.receive(longest)).equals(welcome))
    throw new AuthenticationError('The other side has refused the key: the digest sent was rejected.');
}
