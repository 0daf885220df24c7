import { strict as assert } from 'node:assert';
import { after, before, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Director, type Outcome } from './interleavings/director.ts';
import { Note } from './interleavings/scenes.ts';

// The orders of steps are the same in each run; other ones with FRESH=1.
const firstSeed = process.env['FRESH'] === undefined ? 1 : Date.now() % 2 ** 30;
const plays = Number(process.env['PLAYS'] ?? 150);

let director: Director;
before(async () => {
  director = await Director.open(3);
});
after(() => director.close());

async function each(
  scenes: readonly string[],
  kills: boolean,
  checkOutcome: (outcome: Outcome) => void,
): Promise<void> {
  for (let seed = firstSeed; seed < firstSeed + plays; seed++) {
    // The runner hears what is done.
    if (seed % 50 === 0) await nextTurn();
    try {
      const outcome = director.play({ seed, scenes, kills });
      if (outcome.killed === undefined) assert.equal(outcome.timeouts, 0, 'somebody was not woken');
      checkOutcome(outcome);
    } catch (error) {
      throw new Error(`seed ${seed} of ${scenes.join(', ')}`, { cause: error });
    }
  }
}

const casts: readonly (readonly string[])[] = [
  ['lockSync', 'lockSync', 'lockSync'],
  ['lockAsync', 'lockAsync', 'lockAsync'],
  ['lockSync', 'lockAsync', 'lockSync'],
  ['lockSyncImpatient', 'lockSync', 'lockAsync'],
  ['lockAsyncImpatient', 'lockAsync', 'lockSync'],
  ['rLockSync', 'rLockAsync', 'rLockAsync'],
  ['semaphoreSync', 'semaphoreSync', 'semaphoreSync'],
  ['semaphoreAsync', 'semaphoreAsync', 'semaphoreSync'],
];
const barriers = [
  ['barrierSync', 'barrierAsync', 'barrierSync'],
  ['barrierAsync', 'barrierAsync', 'barrierAsync'],
];
for (const cast of [...casts, ...barriers]) {
  test(`interleavings: ${cast.join(', ')}: no order of steps lets two in or forgets one (G18)`, async () => {
    await each(cast, false, ({ notes }) => {
      if (/^r?[lL]ock(?:Sync|Async)$/.test(cast[0]!)) assert.equal(notes[Note.entries], 9);
      if (cast[0]!.startsWith('semaphore')) assert.equal(notes[Note.value] !== 0, true);
      assert.equal(notes[Note.told], 0);
    });
  });
}
// One that dies before it arrives is missed when the time is over.
for (const cast of [...casts, ['barrierTimed', 'barrierTimed', 'barrierTimed']]) {
  test(`interleavings: ${cast.join(', ')}: the others go on when one dies at any step (G1 G2)`, async () => {
    await each(cast, true, ({ notes }) => assert.ok(notes[Note.told]! <= 3));
  });
}
test('interleavings: events: who waits passes, whoever dies (G2 G18)', async () => {
  await each(['eventSet', 'eventWait', 'eventWaitSync'], false, () => undefined);
  await each(['eventSet', 'eventWait', 'eventWaitSync'].toReversed(), false, () => undefined);
});
for (const cast of [
  ['putSync', 'takeSync', 'takeSync'],
  ['putAsync', 'takeAsync', 'takeAsync'],
  ['putSync', 'takeAsync', 'takeSync'],
]) {
  test(`interleavings: ${cast.join(', ')}: no notification is lost (G18)`, () => each(cast, false, () => undefined));
}
