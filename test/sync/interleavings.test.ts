import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import { Director, type Outcome } from './interleavings/director.ts';
import { Note } from './interleavings/scenes.ts';

// The orders of steps are the same in each run; other ones with FRESH=1.
const firstSeed = process.env['FRESH'] === undefined ? 1 : Date.now() % 2 ** 30;
const plays = Number(process.env['PLAYS'] ?? 150);

describe('interleavings', () => {
  let director: Director;
  before(async () => {
    director = await Director.open(3);
  });
  after(() => director.close());

  function each(scenes: readonly string[], kills: boolean, checkOutcome: (outcome: Outcome) => void): void {
    for (let seed = firstSeed; seed < firstSeed + plays; seed++) {
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
    test(`${cast.join(', ')}: no order of steps lets two in or forgets one (G18)`, () => {
      each(cast, false, ({ notes }) => {
        if (/^r?[lL]ock(?:Sync|Async)$/.test(cast[0]!)) assert.equal(notes[Note.entries], 9);
        if (cast[0]!.startsWith('semaphore')) assert.equal(notes[Note.value] !== 0, true);
        assert.equal(notes[Note.told], 0);
      });
    });
  }
  // One that dies before it arrives is missed when the time is over.
  for (const cast of [...casts, ['barrierTimed', 'barrierTimed', 'barrierTimed']]) {
    test(`${cast.join(', ')}: the others go on when one dies at any step (G1 G2)`, () => {
      each(cast, true, ({ notes }) => assert.ok(notes[Note.told]! <= 3));
    });
  }
  test('events: who waits passes, whoever dies (G2 G18)', () => {
    each(['eventSet', 'eventWait', 'eventWaitSync'], false, () => undefined);
    each(['eventSet', 'eventWait', 'eventWaitSync'].toReversed(), false, () => undefined);
  });
  for (const cast of [
    ['putSync', 'takeSync', 'takeSync'],
    ['putAsync', 'takeAsync', 'takeAsync'],
    ['putSync', 'takeAsync', 'takeSync'],
  ]) {
    test(`${cast.join(', ')}: no notification is lost (G18)`, () => each(cast, false, () => undefined));
  }
});
