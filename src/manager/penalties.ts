import { isIPv6, type Socket } from 'node:net';
import { authFailures, handshakeMs } from '../limits.ts';
import { monotonicMs } from '../monotonic.ts';
import { isLoopback } from './address.ts';

interface Failures {
  count: number;
  atMs: number;
  untilMs: number;
}

/** Half of an IPv6 address is its owner's to choose, on each connection another one. */
const prefixBits = 64;
const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * Addresses from which wrong keys came. The next connections from there wait, each failure doubling it, and are turned away when
 * that is longer than they have to show the key: guessing becomes slow, and nobody else notices. All programs of a machine have
 * one address on it: there the wait is short, so that one with an old key cannot shut the others out. A Unix socket has no
 * addresses, and permissions instead.
 */
export class Penalties {
  /** By the time of the last failure, the longest ago first. */
  readonly #failures = new Map<string, Failures>();
  readonly #now: () => number;

  constructor(now: () => number = monotonicMs) {
    this.#now = now;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#failures.size;
  }

  /** A wrong key came from there. Undefined: from a Unix socket. */
  failed(remoteAddress: string | undefined): void {
    if (remoteAddress === undefined) return;
    const now = this.#now();
    this.#forget(now);
    const name = ownerOf(remoteAddress);
    const count = (this.#failures.get(name)?.count ?? 0) + 1;
    const { free, delayMs, delayMsMax, localDelayMsMax, addresses } = authFailures;
    const most = isLoopback(remoteAddress) ? localDelayMsMax : delayMsMax;
    const waitMs = count <= free ? 0 : Math.min(most, delayMs * 2 ** (count - free - 1));
    this.#failures.delete(name);
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size < addresses) break;
      this.#failures.delete(oldest);
    }
    this.#failures.set(name, { count, atMs: now, untilMs: now + waitMs });
  }

  #forget(now: number): void {
    for (const [name, { atMs }] of this.#failures) {
      if (now - atMs <= authFailures.forgetMs) return;
      this.#failures.delete(name);
    }
  }

  /** How long a connection from there has to wait. */
  waitMs(remoteAddress: string | undefined): number {
    const failures = remoteAddress === undefined ? undefined : this.#failures.get(ownerOf(remoteAddress));
    return failures === undefined ? 0 : Math.max(0, failures.untilMs - this.#now());
  }

  /**
   * Calls `admit` when it may go on: at once, after its wait (those who fail meanwhile do not put it off again), or never, as the
   * connection is closed then.
   */
  serve(socket: Socket, admit: () => void): void {
    const waitMs = this.waitMs(socket.remoteAddress);
    if (waitMs === 0) return admit();
    if (waitMs >= handshakeMs) return void socket.destroy();
    const timer = setTimeout(admit, waitMs);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }
}

/** Who has the address, as far as that can be told. */
function ownerOf(address: string): string {
  const plain = mapped.exec(address)?.[1] ?? address;
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('%', 1)[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0');
  return [...groups, ...zeros, ...rest].slice(0, prefixBits / 16).join(':');
}
