import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { AuthenticationError, ArgumentTypeError } from '../errors.ts';
import { show } from '../arguments.ts';

// How CPython shows that it has the key: up to 3.11 by HMAC-MD5, from 3.12 on by a digest that is named in front.

/** What both sides have. */
export interface Secret {
  readonly key: KeyObject;
  /** Whether MD5 is good enough: CPython up to 3.11 knows nothing else. */
  readonly legacy: boolean;
}

/** Python's names of the digests, and Node's. */
const digests = { sha256: 'sha256', sha384: 'sha384', sha3_256: 'sha3-256', sha3_384: 'sha3-384', md5: 'md5' } as const;

type Digest = keyof typeof digests;

const legacyChallengeBytes = 20;
const legacyResponseBytes = 16;

/** A key is kept where it shows neither in logs nor in `inspect`. An empty one is one. */
export function secretOf(authKey: unknown, legacy: boolean): Secret {
  if (typeof authKey !== 'string' && !(authKey instanceof Uint8Array))
    throw new ArgumentTypeError(`Cannot use an authKey of type ${typeof authKey}: expected bytes or a string.`);
  return { key: createSecretKey(Buffer.from(authKey as Uint8Array)), legacy };
}

/** `{sha256}` in front of a challenge or a response; undefined: it has the old form. */
function digestOf(message: Buffer): Digest | undefined {
  if (message.length === legacyChallengeBytes || message.length === legacyResponseBytes) return undefined;
  const [, name = ''] = /^\{(\w{1,20})\}/.exec(message.toString('latin1', 0, 32)) ?? [];
  if (Object.hasOwn(digests, name)) return name as Digest;
  throw new AuthenticationError(
    `The other side authenticates by ${name === '' ? 'something unknown' : show(name)}, which is not supported.`,
  );
}

function macOf({ key, legacy }: Secret, digest: Digest, message: Buffer): Buffer {
  if (digest === 'md5' && !legacy)
    throw new AuthenticationError(
      'The other side authenticates by MD5, as CPython does up to 3.11. Say `legacy: true` if that is enough.',
    );
  return createHmac(digests[digest], key).update(message).digest();
}

/** What answers a challenge. */
export function responseTo(challenge: Buffer, secret: Secret): Buffer {
  if (challenge.length < legacyChallengeBytes) throw new AuthenticationError('The challenge is too short.');
  const digest = digestOf(challenge);
  const mac = macOf(secret, digest ?? 'md5', challenge);
  return digest === undefined ? mac : Buffer.concat([Buffer.from(`{${digest}}`), mac]);
}

/** @throws AuthenticationError when this is no answer to the challenge by somebody who has the key. */
export function verify(response: Buffer, challenge: Buffer, secret: Secret): void {
  const digest = digestOf(response);
  const expected = macOf(secret, digest ?? 'md5', challenge);
  const mac = response.subarray(digest === undefined ? 0 : digest.length + 2);
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected))
    throw new AuthenticationError('The other side does not have the key: the digest received was wrong.');
}
