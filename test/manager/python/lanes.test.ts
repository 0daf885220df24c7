import { strict as assert } from 'node:assert';
import type { SocketConnection } from 'manycore/connection';
import { FrameTooLargeError } from 'manycore';
import { maxConnectionMessageBytes } from '#internal/limits.js';
import { errorOf } from '#internal/manager/python/errors.js';
import { Lane } from '#internal/manager/python/lane.js';
import { PythonInstance } from '#internal/manager/python/token.js';
import { rejection, testClean } from '../../matrix.ts';

/** A connection whose replies are told by the test. */
class Told {
  readonly sent: Uint8Array[] = [];
  readonly #replies: (() => Promise<Uint8Array>)[];
  isClosed = false;

  constructor(...replies: (() => Promise<Uint8Array>)[]) {
    this.#replies = replies;
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    this.sent.push(bytes);
  }

  recvBytes(): Promise<Uint8Array> {
    return this.#replies.shift()!();
  }

  close(): void {
    this.isClosed = true;
  }
}

const reply = async (): Promise<Uint8Array> => new Uint8Array([1]);
const tooLarge = (): Promise<Uint8Array> => Promise.reject(new FrameTooLargeError('too large'));

testClean('lanes: what is asked of a closed one is refused', {}, async () => {
  const lane = new Lane(new Told() as unknown as SocketConnection, () => {});
  lane.close(() => new RangeError('closed'));
  assert.equal((await rejection(lane.ask(new Uint8Array(1)))).name, 'RangeError');
  assert.equal(lane.isClosed, true);
});

testClean('lanes: what is too large fails its own call', {}, async () => {
  const told = new Told(reply, tooLarge);
  const lost: Error[] = [];
  const lane = new Lane(told as unknown as SocketConnection, (error) => {
    lost.push(error);
    lane.close(() => new RangeError('behind it'));
  });
  const large = rejection(lane.ask(new Uint8Array(maxConnectionMessageBytes + 1)));
  assert.equal((await large).name, 'FrameTooLargeError');
  assert.deepEqual(await lane.ask(new Uint8Array(1)), new Uint8Array([1]));
  assert.deepEqual([told.sent.length, lost.length], [1, 0]);
  const [first, second] = [rejection(lane.ask(new Uint8Array(1))), rejection(lane.ask(new Uint8Array(1)))];
  assert.equal((await first).name, 'FrameTooLargeError');
  assert.equal((await second).name, 'RangeError');
  assert.equal(lost.length, 1);
});

testClean("lanes: an exception's arguments may be of any kind", {}, () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  assert.match(errorOf(new PythonInstance('KeyError', [2n ** 70n])).message, /1180591620717411303424/);
  assert.match(errorOf(new PythonInstance('KeyError', [[1, 2n ** 70n]])).message, /\[1,/);
  assert.equal(errorOf(new PythonInstance('KeyError', [cycle])).name, 'ArgumentRangeError');
});
