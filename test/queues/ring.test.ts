import { strict as assert } from 'node:assert';
import { afterEach, test } from 'node:test';
import fc from 'fast-check';
import { ProtocolError } from 'manycore';
import { Ring, type Record, type RingSize, steps } from '#internal/queues/ring.js';
import { RingMachine } from './ring-machine.ts';
import '../seeded.ts';

const small: RingSize = { capacity: 256, limit: 5 };
const putSteps = ['put: placed', 'put: slot written', 'put: bytes written', 'put: published'];
const takeSteps = ['take: about to drop', 'take: dropped'];

/** What a killed process does: nothing more. */
class Killed extends Error {}

afterEach(() => {
  steps.step = undefined;
});

function memory(size: RingSize): ArrayBuffer {
  return new ArrayBuffer(Ring.bytesFor(size));
}

function item(number: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (number * 31 + i) & 255);
}

function take(ring: Ring): Uint8Array | undefined {
  const record: Record = { kind: 0, start: 0, end: 0 };
  if (!ring.peek(record)) return undefined;
  const bytes = ring.bytes.slice(record.start, record.end);
  ring.drop();
  return bytes;
}

test('ring: records come out whole and in order, whatever their lengths', () => {
  const buffer = memory(small);
  const ring = Ring.format(buffer, 0, small);
  for (let i = 0; i < 1_000; i++) {
    const bytes = item(i, i % (ring.largest + 1));
    assert.equal(ring.put(i % 16, bytes, bytes.length), true);
    const record: Record = { kind: 0, start: 0, end: 0 };
    assert.equal(ring.peek(record), true);
    assert.equal(record.kind, i % 16);
    assert.deepEqual(take(ring), bytes);
  }
  assert.equal(ring.isEmpty, true);
});

test('ring: the largest record fits wherever the end is, one byte more never does (G9)', () => {
  for (let shift = 0; shift < 40; shift++) {
    const ring = Ring.format(memory(small), 0, small);
    for (let i = 0; i < shift; i++) {
      ring.put(0, item(i, 8), 8);
      take(ring);
    }
    const largest = item(7, ring.largest);
    assert.equal(ring.put(0, item(1, ring.largest + 1), ring.largest + 1), false);
    assert.equal(ring.put(0, largest, largest.length), true);
    assert.deepEqual(take(ring), largest);
  }
});

test('ring: sequence numbers and positions may run over', () => {
  const buffer = memory(small);
  const ring = Ring.format(buffer, 0, small);
  const { words } = ring;
  const near = 0x7fff_ffff - 3;
  words[16] = words[32] = words[48] = near;
  for (let i = 0; i < 300; i++) {
    const bytes = item(i, 24);
    assert.equal(ring.put(0, bytes, 24), true);
    assert.equal(ring.size, 1);
    assert.equal(ring.finish(), 0);
    assert.deepEqual(take(ring), bytes);
  }
  assert.equal(ring.finish(), undefined);
});

type Command = { put: number } | { take: true };

const commands = fc.array(
  fc.oneof(fc.record({ put: fc.integer({ min: 0, max: 64 }) }), fc.constant({ take: true as const })),
  { maxLength: 200 },
);

test('ring: behaves as a list, whatever is put and taken', () => {
  fc.assert(
    fc.property(commands, fc.integer({ min: 1, max: 9 }), (list: readonly Command[], limit) => {
      const ring = Ring.format(memory({ capacity: 256, limit }), 0, { capacity: 256, limit });
      const model: Uint8Array[] = [];
      let number = 0;
      for (const command of list) {
        if ('take' in command) assert.deepEqual(take(ring), model.shift());
        else {
          const bytes = item(number++, command.put);
          const done = ring.put(0, bytes, bytes.length);
          if (model.length === limit) assert.equal(done, false);
          // A record and what is passed over for it are never more than half.
          if (model.length === 0) assert.equal(done, true);
          if (done) model.push(bytes);
        }
        assert.equal(ring.size, model.length);
        assert.equal(ring.isEmpty, model.length === 0);
        assert.equal(ring.isFull() || model.length < limit, true);
      }
    }),
  );
});

/** Runs `body` as a party that is killed at the `nth` of its steps; false when it came to its end before. */
function killedAt(name: string, body: () => void): boolean {
  steps.step = (at) => {
    if (at === name) throw new Killed();
  };
  try {
    body();
    return false;
  } catch (error) {
    if (error instanceof Killed) return true;
    throw error;
  } finally {
    steps.step = undefined;
  }
}

for (const name of putSteps) {
  test(`ring: a producer killed at "${name}" has put its item whole or not at all (G3)`, () => {
    for (let before = 0; before < 60; before++) {
      const buffer = memory(small);
      const ring = Ring.format(buffer, 0, small);
      for (let i = 0; i < before; i++) {
        ring.put(0, item(i, (i * 7) % 60), (i * 7) % 60);
        if (i % 3 > 0 || ring.size > 3) take(ring);
      }
      while (ring.size > 2) take(ring);
      const kept = ring.size;
      const lost = item(99, 50);
      assert.equal(
        killedAt(name, () => void ring.put(0, lost, 50)),
        true,
      );
      const other = new Ring(buffer);
      const next = item(100, 30);
      assert.equal(other.put(0, next, 30), true);
      for (let i = 0; i < kept; i++) assert.notEqual(take(other), undefined);
      if (name === 'put: published') assert.deepEqual(take(other), lost);
      assert.deepEqual(take(other), next);
      assert.equal(other.isEmpty, true);
    }
  });
}

for (const name of takeSteps) {
  test(`ring: a consumer killed at "${name}" leaves the item or has taken it (G4)`, () => {
    const buffer = memory(small);
    const ring = Ring.format(buffer, 0, small);
    ring.put(0, item(1, 10), 10);
    ring.put(0, item(2, 20), 20);
    assert.equal(
      killedAt(name, () => void take(ring)),
      true,
    );
    const other = new Ring(buffer);
    if (name === 'take: about to drop') assert.deepEqual(take(other), item(1, 10));
    assert.deepEqual(take(other), item(2, 20));
    assert.equal(take(other), undefined);
  });
}

test('ring: at every step of the one the other may do anything', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 64 }), { minLength: 1, maxLength: 60 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
      (lengths, choices) => {
        const buffer = memory(small);
        const producer = Ring.format(buffer, 0, small);
        const consumer = new Ring(buffer);
        const put: Uint8Array[] = [];
        const taken: Uint8Array[] = [];
        const pending = lengths.map((length, number) => item(number, length));
        let inPut = false;
        let inTake = false;
        const tryPut = (): void => {
          const bytes = pending[0];
          if (inPut || bytes === undefined) return;
          inPut = true;
          if (producer.put(0, bytes, bytes.length)) put.push(pending.shift()!);
          inPut = false;
        };
        const tryTake = (): void => {
          if (inTake) return;
          inTake = true;
          const bytes = take(consumer);
          if (bytes !== undefined) taken.push(bytes);
          inTake = false;
        };
        steps.step = () => {
          assert.ok(producer.size >= 0 && producer.size <= small.limit);
          for (let count = choices.next().value!; count > 0; count--) {
            if (inPut) tryTake();
            else tryPut();
          }
        };
        while (pending.length > 0) {
          tryPut();
          if (choices.next().value === 0 || consumer.isFull()) tryTake();
        }
        steps.step = undefined;
        while (!consumer.isEmpty) tryTake();
        assert.deepEqual(
          taken,
          lengths.map((length, number) => item(number, length)),
        );
      },
    ),
  );
});

test('ring: whoever puts, takes and is killed at any step, it is the list that it should be (G3 G4)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 3, maxLength: 300, size: 'max' }), (program) => {
      new RingMachine(program).run();
    }),
    { numRuns: 1_000 },
  );
});

test('ring: spoilt memory ends in a typed refusal, never outside of the ring (G16)', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.integer()), { minLength: 1, maxLength: 8 }),
      fc.array(fc.boolean(), { maxLength: 30 }),
      (flips, moves) => {
        const buffer = memory(small);
        const ring = Ring.format(buffer, 0, small);
        ring.put(0, item(1, 20), 20);
        const words = new Int32Array(buffer);
        for (const [at, value] of flips) words[at % words.length] = value;
        try {
          const other = new Ring(buffer);
          for (const isPut of moves) {
            if (isPut) other.put(1, item(3, 40), 40);
            else assert.ok((take(other)?.length ?? 0) <= small.capacity);
          }
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('ring: memory that is no ring is refused', () => {
  assert.throws(() => new Ring(new ArrayBuffer(1024)), ProtocolError);
  assert.throws(() => new Ring(new ArrayBuffer(64)), ProtocolError);
});
