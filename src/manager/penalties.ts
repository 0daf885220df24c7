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
  /** Those that failed last. In halves: to take the oldest out of a map one by one is slow. */
  #recent = new Map<string, Failures>();
  #older = new Map<string, Failures>();
  readonly #now: () => number;

  constructor(now: () => number = monotonicMs) {
    this.#now = now;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#recent.size + this.#older.size;
  }

  /** A wrong key came from there. Undefined: from a Unix socket. */
  failed(remoteAddress: string | undefined): void {
    if (remoteAddress === undefined) return;
    const now = this.#now();
    const name = ownerOf(remoteAddress);
    const count = (this.#find(name, now)?.count ?? 0) + 1;
    const { free, delayMs, delayMsMax, localDelayMsMax, addresses } = authFailures;
    const most = isLoopback(remoteAddress) ? localDelayMsMax : delayMsMax;
    const waitMs = count <= free ? 0 : Math.min(most, delayMs * 2 ** (count - free - 1));
    this.#older.delete(name);
    if (!this.#recent.has(name) && this.#recent.size >= addresses / 2) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(name, { count, atMs: now, untilMs: now + waitMs });
  }

  #find(name: string, now: number): Failures | undefined {
    const failures = this.#recent.get(name) ?? this.#older.get(name);
    return failures !== undefined && now - failures.atMs <= authFailures.forgetMs ? failures : undefined;
  }

  /** How long a connection from there has to wait. */
  waitMs(remoteAddress: string | undefined): number {
    if (remoteAddress === undefined) return 0;
    const now = this.#now();
    return Math.max(0, (this.#find(ownerOf(remoteAddress), now)?.untilMs ?? 0) - now);
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
