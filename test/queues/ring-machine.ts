import { strict as assert } from 'node:assert';
import { ProtocolError } from 'manycore';
import type { Home } from '#internal/memory/home.js';
import { Gate, gateWords } from '#internal/queues/gate.js';
import { Ring, type Record, steps } from '#internal/queues/ring.js';

/** What a killed process does: nothing more. */
class Killed extends Error {}

const producers = 3;
const parties = 6;
/** As many may be in the middle of something at once: at each step of the one the others may do anything. */
const deepest = 4;
const capacities = [64, 128, 256];
/** Where the counters begin: among others shortly before they run over. */
const beginnings = [0, 5, 0x7fff_fffd, -3];

interface Item {
  readonly bytes: Uint8Array;
  readonly kind: number;
}

/**
 * Parties that put and take through the latches of a ring, as its users do, and are killed at any step; the bytes of a program say who does what
 * next. Beside it is a list, which the ring has to be like at each step. Whoever finds a latch in the hand of a dead one takes it over.
 */
export class RingMachine {
  /** Where it has been: a step, with what is particular about it. */
  readonly places = new Set<string>();
  readonly #program: Uint8Array;
  #at = 0;
  readonly #buffer: ArrayBuffer;
  readonly #capacity: number;
  readonly #limit: number;
  readonly #ring: Ring;
  readonly #model: Item[] = [];
  #unfinished = 0;
  /** The word of each party; a successor has another one. */
  readonly #words = Int32Array.from({ length: parties }, (_, party) => (1 << 10) | (party + 1));
  readonly #latches = new Int32Array(2 * gateWords);
  readonly #gates: { readonly puts: Gate; readonly gets: Gate }[] = [];
  readonly #rings: Ring[] = [];
  /** Those in the middle of something, outermost first: whose step it is, and what it puts. */
  readonly #stack: { readonly party: number; item: Item | undefined; dead: boolean }[] = [];

  constructor(program: Uint8Array) {
    this.#program = program;
    this.#capacity = capacities[this.#next() % capacities.length]!;
    this.#limit = 1 + (this.#next() % 6);
    const size = { capacity: this.#capacity, limit: this.#limit };
    this.#buffer = new ArrayBuffer(Ring.bytesFor(size));
    this.#ring = Ring.format(this.#buffer, 0, size);
    const beginning = beginnings[this.#next() % beginnings.length]!;
    for (const word of [16, 32, 48]) this.#ring.words[word] = beginning;
    // The slot in front of the first says where that begins.
    const slots = 2 ** Math.ceil(Math.log2(this.#limit + 1));
    this.#ring.words[64 + ((beginning - 1) & (slots - 1)) * 2] = (beginning << 3) & -8;
    for (let party = 0; party < parties; party++) this.#join(party);
  }

  /** Who comes in the place of a dead one has another word. */
  #join(party: number): void {
    this.#words[party]! += 1 << 10;
    const me = this.#words[party]!;
    // All that a latch that nobody waits for needs of it.
    const home = { me, occupant: (id: number) => this.#words[id - 1] ?? 0 } as unknown as Home;
    this.#gates[party] = {
      puts: new Gate(this.#latches, 0, home, () => []),
      gets: new Gate(this.#latches, gateWords, home, () => []),
    };
    this.#rings[party] = new Ring(this.#buffer);
  }

  readonly #isDead = (word: number): boolean => {
    const party = (word & 1023) - 1;
    return this.#words[party] !== word || this.#stack.some((each) => each.party === party && each.dead);
  };

  #next(): number {
    return this.#program[this.#at++] ?? 0;
  }

  run(): this {
    steps.step = (name) => this.#step(name);
    try {
      while (this.#at < this.#program.length) this.#act();
      // Whatever was left behind, all that is in it comes out.
      for (let left = this.#model.length; left > 0; left--) {
        assert.equal(this.#model.length, left, 'what is left cannot be taken');
        this.#begin(producers, () => this.#take(producers));
      }
      assert.equal(this.#ring.isEmpty, true);
    } finally {
      steps.step = undefined;
    }
    return this;
  }

  /** The next act of somebody who is not in the middle of another. */
  #act(): void {
    const choice = this.#next();
    const party = choice % parties;
    if (this.#stack.some((each) => each.party === party)) return;
    if (choice >= 250) this.#finish();
    else if (party < producers) this.#begin(party, () => this.#put(party));
    else this.#begin(party, () => this.#take(party));
  }

  #begin(party: number, act: () => void): void {
    this.#stack.push({ party, item: undefined, dead: false });
    try {
      act();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.#join(party);
    } finally {
      this.#stack.pop();
    }
  }

  #step(name: string): void {
    const top = this.#stack.at(-1)!;
    if (name === 'put: published') {
      this.#model.push(top.item!);
      this.#unfinished++;
    }
    if (name === 'take: dropped') this.#model.shift();
    this.#check();
    const choice = this.#next();
    const depth = this.#stack.length;
    const acts = choice % 8 < 4 ? 0 : choice % 8 < 7 ? choice % 3 : -1;
    this.places.add(`${name} ${depth} ${this.#model.length} ${acts}`);
    if (acts < 0) {
      top.dead = true;
      // Those who come before it is known to be dead, and those after.
      if (depth < deepest && choice > 128) this.#act();
      throw new Killed();
    }
    if (depth < deepest) for (let i = 0; i < acts; i++) this.#act();
  }

  #check(): void {
    const size = this.#model.length;
    for (const ring of [this.#ring, this.#rings[this.#stack.at(-1)!.party]!]) {
      assert.equal(ring.size, size);
      assert.equal(ring.isEmpty, size === 0);
      assert.ok(size <= this.#limit);
      if (size === this.#limit) assert.equal(ring.isFull(), true);
      if (size === 0) assert.equal(ring.isFull(ring.largest), false);
      assert.equal(ring.unfinished, this.#unfinished);
    }
  }

  #put(party: number): void {
    const length = this.#next() % (this.#capacity / 4 + 2);
    const gate = this.#gates[party]!.puts;
    if (!gate.enter(this.#isDead)) return;
    const ring = this.#rings[party]!;
    const fill = this.#next();
    const item = { kind: fill & 15, bytes: Uint8Array.from({ length }, (_, i) => fill + i * 7) };
    this.#stack.at(-1)!.item = item;
    this.#step('put: latched');
    const size = this.#model.length;
    const taken = this.#model.reduce((sum, { bytes }) => sum + aligned(bytes.length), 0);
    const done = ring.put(item.kind, item.bytes, length);
    // What others have taken meanwhile may make room, nobody else can put.
    if (length > ring.largest) assert.equal(done, false);
    else if (size === 0) assert.equal(done, true, 'one that fits in is refused by an empty ring');
    else if (!done && size < this.#limit)
      assert.ok(taken + aligned(length) + 2 * ring.largest > this.#capacity, 'it is not that full');
    this.places.add(`put ${done} ${length > ring.largest} ${size}`);
    gate.leave();
  }

  #take(party: number): void {
    const gate = this.#gates[party]!.gets;
    if (!gate.enter(this.#isDead)) return;
    const record: Record = { kind: 0, start: 0, end: 0 };
    const ring = this.#rings[party]!;
    const oldest = this.#model[0];
    assert.equal(ring.peek(record), oldest !== undefined);
    if (oldest !== undefined) {
      this.#step('take: latched');
      assert.equal(record.kind, oldest.kind);
      assert.deepEqual(ring.bytes.slice(record.start, record.end), oldest.bytes);
      ring.drop();
    }
    gate.leave();
  }

  #finish(): void {
    const left = this.#ring.finish();
    assert.equal(left, this.#unfinished === 0 ? undefined : --this.#unfinished);
  }
}

function aligned(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/** Puts and takes in memory that somebody writes into: the bytes of a program say where and what. Only a ProtocolError is right. */
export function playOnSpoilt(program: Uint8Array): Iterable<string> {
  const size = { capacity: 64, limit: 1 + ((program[0] ?? 0) % 3) };
  const buffer = new ArrayBuffer(Ring.bytesFor(size));
  Ring.format(buffer, 0, size);
  const memory = new Uint8Array(buffer);
  const places = new Set<string>();
  let ring = new Ring(buffer);
  for (let at = 1; at + 2 < program.length; at += 3) {
    const [act, where, value] = [program[at]! % 5, program[at + 1]!, program[at + 2]!];
    try {
      if (act === 0) memory[(where * 2) % memory.length] = value;
      else if (act === 1) ring = new Ring(buffer);
      else if (act === 2) ring.put(value & 15, new Uint8Array(where % 20), where % 20);
      else if (act === 3) ring.finish();
      else {
        const record: Record = { kind: 0, start: 0, end: 0 };
        if (ring.peek(record)) {
          assert.ok(record.start >= 0 && record.end <= ring.bytes.length && record.end >= record.start);
          ring.drop();
        }
      }
      places.add(`${act} ${ring.isFull()} ${ring.isEmpty}`);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      places.add(`${act} refused`);
    }
  }
  return places;
}
