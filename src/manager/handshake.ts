import { createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { AuthenticationError, ConnectionLostError, ProtocolError } from '../errors.ts';

/**
 * Both sides show that they have the key, the client first, without telling it:
 *
 *     client                                   server
 *     hello      magic, version, nonce  ──▶
 *                                       ◀──    challenge   magic, version, flags, limit, nonce
 *     proof      HMAC                   ──▶
 *                                       ◀──    verdict     1, HMAC; or 0
 *
 * Each HMAC covers who says it, all that was said before, and the TLS connection's own secret: a recorded one is worth
 * nothing, one sent back to its maker neither, and one passed on by a man in the middle does not fit its other connection.
 * There is one version and one algorithm: nothing to be talked down to. All messages have a fixed size.
 */
const magic = 'MCM1';
const version = 1;
const nonceBytes = 32;
const macBytes = 32;
const helloBytes = magic.length + 1 + nonceBytes;
const challengeBytes = magic.length + 1 + 1 + 4 + nonceBytes;
const verdictBytes = 1 + macBytes;

export const ServerFlag = { allowsCode: 1, isFull: 2 } as const;

export interface Welcome {
  readonly flags: number;
  readonly maxFrameBytes: number;
}

interface Secrets {
  readonly key: KeyObject;
  /** What both ends of the TLS connection know and nobody else; empty without one. */
  readonly binding: Uint8Array;
}

/** Takes bytes; true when it is over, with what came beyond it in `rest`. */
abstract class Handshake {
  #pending: Buffer = Buffer.alloc(0);
  #wanted: number;
  rest: Buffer = Buffer.alloc(0);

  constructor(first: number) {
    this.#wanted = first;
  }

  /** @throws AuthenticationError, ProtocolError: the connection has to be closed. */
  push(chunk: Buffer): boolean {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#wanted > 0 && this.#pending.length >= this.#wanted) {
      const message = this.#pending.subarray(0, this.#wanted);
      this.#pending = this.#pending.subarray(this.#wanted);
      this.#wanted = this.step(message);
    }
    if (this.#wanted > 0) return false;
    this.rest = this.#pending;
    return true;
  }

  /** Takes one message and says how long the next one is; 0: it is over. */
  protected abstract step(message: Buffer): number;
}

export class ClientHandshake extends Handshake {
  readonly #secrets: Secrets;
  readonly #send: (bytes: Buffer) => void;
  readonly #hello: Buffer;
  #challenge: Buffer | undefined;
  welcome: Welcome = { flags: 0, maxFrameBytes: 0 };

  constructor(secrets: Secrets, send: (bytes: Buffer) => void) {
    super(challengeBytes);
    this.#secrets = secrets;
    this.#send = send;
    this.#hello = Buffer.concat([Buffer.from(magic), Buffer.from([version]), randomBytes(nonceBytes)]);
    send(this.#hello);
  }

  protected override step(message: Buffer): number {
    if (this.#challenge === undefined) {
      checkMagic(message, 'server');
      this.#challenge = Buffer.from(message);
      this.welcome = { flags: message[5]!, maxFrameBytes: message.readUInt32LE(6) };
      if ((this.welcome.flags & ServerFlag.isFull) !== 0)
        throw new ConnectionLostError('The server has as many clients as it takes: see `maxConnections`.', false);
      this.#send(mac(this.#secrets, 'client', this.#hello, this.#challenge));
      return verdictBytes;
    }
    if (message[0] !== 1)
      throw new AuthenticationError('The server has refused the key: the digest sent was rejected.');
    if (!timingSafeEqual(message.subarray(1), mac(this.#secrets, 'server', this.#hello, this.#challenge)))
      throw new AuthenticationError('The server does not have the key: the digest received was wrong.');
    return 0;
  }
}

export class ServerHandshake extends Handshake {
  readonly #secrets: Secrets;
  readonly #send: (bytes: Buffer) => void;
  readonly #welcome: Welcome;
  #hello: Buffer | undefined;
  #challenge: Buffer = Buffer.alloc(0);

  constructor(secrets: Secrets, welcome: Welcome, send: (bytes: Buffer) => void) {
    super(helloBytes);
    this.#secrets = secrets;
    this.#welcome = welcome;
    this.#send = send;
  }

  protected override step(message: Buffer): number {
    if (this.#hello === undefined) {
      checkMagic(message, 'client');
      this.#hello = Buffer.from(message);
      const { flags, maxFrameBytes } = this.#welcome;
      const limit = Buffer.alloc(4);
      limit.writeUInt32LE(maxFrameBytes);
      this.#challenge = Buffer.concat([
        Buffer.from(magic),
        Buffer.from([version, flags]),
        limit,
        randomBytes(nonceBytes),
      ]);
      this.#send(this.#challenge);
      return macBytes;
    }
    if (!timingSafeEqual(message, mac(this.#secrets, 'client', this.#hello, this.#challenge))) {
      this.#send(Buffer.alloc(verdictBytes));
      throw new AuthenticationError('A client has shown a wrong key.');
    }
    this.#send(Buffer.concat([Buffer.from([1]), mac(this.#secrets, 'server', this.#hello, this.#challenge)]));
    return 0;
  }
}

function checkMagic(message: Buffer, who: string): void {
  if (message.toString('latin1', 0, magic.length) !== magic)
    throw new ProtocolError(`The ${who} at the other end is not manycore's.`);
  if (message[magic.length] !== version)
    throw new ProtocolError(`The ${who} at the other end is of another version of manycore.`);
}

function mac({ key, binding }: Secrets, role: string, hello: Buffer, challenge: Buffer): Buffer {
  return createHmac('sha256', key)
    .update(`manycore-manager:${role}:`)
    .update(hello)
    .update(challenge)
    .update(binding)
    .digest();
}
