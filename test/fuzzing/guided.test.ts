import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { explore, mutateBytes, type Target } from './guided.ts';
import { codec, ring, spoiltRing } from './targets.ts';

/** What random bytes come upon once in 2^24. */
function hidden(bytes: Uint8Array): void {
  if (bytes[0] !== 0x6d) return;
  if (bytes[1] !== 0x61) return;
  if (bytes[2] === 0x7a) throw new Error('found');
}

const maze: Target<Uint8Array> = {
  name: 'maze',
  covers: (url) => url === import.meta.url,
  seeds: [new Uint8Array(3)],
  mutate: mutateBytes,
  run: (bytes) => {
    hidden(bytes);
    return undefined;
  },
  show: String,
};

test('fuzzing: the code that inputs run leads on to what no random input would find', () => {
  const { finding, corpus } = explore(maze, 1, (inputs) => inputs < 200_000);
  assert.equal((finding?.error as Error | undefined)?.message, 'found');
  assert.ok(corpus.length >= 3);
  assert.equal(Buffer.from(finding!.input).toString('latin1', 0, 3), 'maz');
});

// The million of the case, and what is beyond: `npm run fuzz`.
for (const [target, inputs] of [
  [codec, 1_500],
  [ring, 3_000],
  [spoiltRing, 3_000],
] as const) {
  const of = target as Target<unknown>;
  test(`fuzzing: ${of.name}: ${inputs} inputs, led on by the code that they run (H5 G16)`, () => {
    const { finding, corpus } = explore(of, 20_261_121, (done) => done < inputs);
    if (finding !== undefined) throw new Error(of.show(finding.input), { cause: finding.error });
    assert.ok(corpus.length > of.seeds.length, 'nothing was learnt');
  });
}
