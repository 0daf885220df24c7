import { strict as assert } from 'node:assert';
import { testClean } from '../matrix.ts';
import { fuzzHandshakes, fuzzSessions } from './fuzz.ts';

const seed = 20_261;

testClean(
  'fuzz: spoilt frames from clients that have the key end at most their connection; a million: npm run fuzz:manager (I10)',
  {},
  async () => {
    const { accepted, frames, slowestMs } = fuzzSessions(seed, 5_000);
    assert.ok(accepted > 0 && accepted < frames);
    assert.ok(slowestMs < 1_000);
  },
);

testClean('fuzz: nobody comes in without the key (I2)', {}, async () => {
  assert.ok(fuzzHandshakes(seed, 5_000).slowestMs < 1_000);
});
