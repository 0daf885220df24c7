import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { End, endWords } from '#internal/queues/ends.js';
import { maxEndParties, maxEndTickets } from '#internal/limits.js';

const alive = (): boolean => false;

/** Parties of one end. */
function makeEnd(): { of: (party: number) => End; dead: Set<number>; isDead: (party: number) => boolean } {
  const words = new Int32Array(new SharedArrayBuffer(endWords * 4));
  const dead = new Set<number>();
  const isDead = (party: number): boolean => dead.has(party);
  const ends = new Map<number, End>();
  const of = (party: number): End => {
    let end = ends.get(party);
    if (end === undefined) ends.set(party, (end = new End(words, 0, { me: party, isDead })));
    return end;
  };
  return { of, dead, isDead };
}

test('ends: an end is held while somebody has it, or has it on its way', () => {
  const { of, isDead } = makeEnd();
  const a = of(1025);
  const b = of(1026);
  assert.equal(b.isHeld(isDead), false);
  a.hold(1);
  a.hold(1);
  a.hold(-1);
  assert.equal(b.isHeld(isDead), true);
  const ticket = a.issue()!;
  a.hold(-1);
  assert.equal(b.isHeld(isDead), true);
  b.hold(1);
  assert.equal(b.redeem(ticket), true);
  b.hold(-1);
  assert.equal(a.isHeld(isDead), false);
});

test('ends: a ticket is taken out once, by whoever is first, also when its place is that of another by now', () => {
  const { of } = makeEnd();
  const a = of(1025);
  const first = a.issue()!;
  assert.deepEqual([a.redeem(first), a.redeem(first)], [true, false]);
  const second = a.issue()!;
  assert.equal(second.slot, first.slot);
  assert.equal(of(1026).redeem(first), false);
  assert.equal(a.isHeld(alive), true);
  for (const slot of [-1, 0, 16, endWords, 2 ** 40, Number.NaN]) assert.equal(a.redeem({ ...second, slot }), false);
  assert.deepEqual([a.redeem(second), a.isHeld(alive)], [true, false]);
});

test('ends: what a dead party had counts for nobody, and is taken over with its count in one step (G4)', () => {
  const { of, dead, isDead } = makeEnd();
  for (let party = 1; party <= maxEndParties; party++) for (let i = 0; i < 3; i++) of(party).hold(1);
  for (let i = 0; i < maxEndTickets; i++) assert.ok(of(1).issue() !== undefined);
  assert.throws(() => of(5_000).hold(1), /128 processes and threads/);
  assert.equal(of(5_000).issue(), undefined);
  for (let party = 1; party <= maxEndParties; party++) dead.add(party);
  assert.equal(of(5_000).isHeld(isDead), false);
  const heir = of(5_000);
  const ticket = heir.issue()!;
  assert.equal(heir.isHeld(isDead), true);
  heir.redeem(ticket);
  heir.hold(1);
  heir.hold(-1);
  assert.equal(heir.isHeld(isDead), false);
});

test('ends: who takes over an entry is seen by nobody with what was in it, also by one who looks at that moment', () => {
  const { of, dead, isDead } = makeEnd();
  for (let party = 1; party <= maxEndParties; party++) of(party).hold(1);
  for (let party = 1; party <= maxEndParties; party++) dead.add(party);
  const heir = of(5_000);
  const looking = (party: number): boolean => {
    heir.hold(1);
    heir.hold(-1);
    return isDead(party);
  };
  assert.equal(of(5_001).isHeld(looking), false);
  assert.equal(of(5_001).isHeld(isDead), false);
});

test('ends: one that arrives while it is looked for is not missed', () => {
  const { of, dead } = makeEnd();
  const sender = of(1025);
  const receiver = of(1026);
  const third = of(1027);
  receiver.hold(1);
  receiver.hold(-1);
  third.hold(1);
  dead.add(1027);
  const ticket = sender.issue()!;
  const looking = (party: number): boolean => {
    // The receiver's entry was looked at before, the tickets will be after.
    if (party === 1027 && receiver.redeem(ticket)) receiver.hold(1);
    return dead.has(party);
  };
  assert.equal(of(1028).isHeld(looking), true);
});

test('ends: a party whose connections were collected has its entry again when others come', () => {
  const words = new Int32Array(new SharedArrayBuffer(endWords * 4));
  const comeAndGo = (me: number): void => {
    const end = new End(words, 0, { me, isDead: alive });
    end.hold(1);
    end.hold(-1);
  };
  for (let party = 1; party < maxEndParties; party++) comeAndGo(party);
  for (let i = 0; i < 3; i++) comeAndGo(5_000);
  comeAndGo(1);
});
