import { strict as assert } from 'node:assert';
import { after, before, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Director } from '../sync/interleavings/director.ts';
import { items, QueueNote } from '../sync/interleavings/queue-scenes.ts';

// The orders of steps are the same in each run; other ones with FRESH=1.
const firstSeed = process.env['FRESH'] === undefined ? 1 : Date.now() % 2 ** 30;
const plays = Number(process.env['PLAYS'] ?? 30);

let director: Director;
before(async () => {
  director = await Director.open(3);
});
after(() => director.close());

function popcount(bits: number): number {
  return bits === 0 ? 0 : 1 + popcount(bits & (bits - 1));
}

/** What was put and not taken, of all producers. */
function missing(scenes: readonly string[], notes: Int32Array): number {
  const producers = scenes.flatMap((scene, actor) => (scene.startsWith('queuePut') ? [actor] : []));
  return producers.reduce((sum, actor) => {
    const put = (1 << notes[QueueNote.put + actor]!) - 1;
    return sum + popcount(put & ~notes[QueueNote.taken + actor]!);
  }, 0);
}

for (const scenes of [
  ['queuePutSync', 'queueTakeSync', 'queueTakeSync'],
  ['queuePutAsync', 'queueTakeAsync', 'queueTakeAsync'],
  ['queuePutSync', 'queuePutAsync', 'queueTakeAsync'],
  ['queuePutAsync', 'queuePutSync', 'queueTakeSync'],
]) {
  for (const kills of [false, true]) {
    const what = kills ? 'whoever dies at any step, the others go on' : 'no order of steps loses an item or a wake';
    test(`queue: ${scenes.join(', ')}: ${what} (${kills ? 'G3 G4' : 'G13 G18'})`, { timeout: 50_000 }, async () => {
      for (let seed = firstSeed; seed < firstSeed + plays; seed++) {
        // The runner hears what is done.
        if (seed % 20 === 0) await nextTurn();
        try {
          const { killed, timeouts, notes } = director.play({ seed, scenes, kills });
          const isConsumer = killed !== undefined && scenes[killed]!.startsWith('queueTake');
          const consumers = scenes.filter((scene) => scene.startsWith('queueTake')).length;
          if (killed === undefined) {
            assert.equal(timeouts, 0, 'somebody was not woken');
            for (const [actor, scene] of scenes.entries())
              if (scene.startsWith('queuePut')) assert.equal(notes[QueueNote.put + actor], items);
          }
          // Who dies with an item in his hand takes it along; nobody else loses any.
          if (!isConsumer || consumers > 1)
            assert.ok(missing(scenes, notes) <= (isConsumer ? 1 : 0), 'an item is lost');
        } catch (error) {
          throw new Error(`seed ${seed} of ${scenes.join(', ')}`, { cause: error });
        }
      }
    });
  }
}
