import { strict as assert } from 'node:assert';
import { UnpicklingError } from 'manycore';
import { loads } from '#internal/connection/pickle/decode.js';
import { Random } from '../engine/random.ts';
import { testClean } from '../matrix.ts';
import { spoil, samples } from './spoilt.ts';
import { withPython } from './support.ts';

const rounds = 15_000;
const slowestMs = 5_000;

testClean('fuzz: spoilt pickles are read or refused, quickly, and never more (I10, I16)', withPython, () => {
  const seed = Date.now() % 1_000_000;
  const random = new Random(seed);
  const all = samples();
  let read = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes =
      round % 10 === 0
        ? Buffer.from(Array.from({ length: random.whole(1, 60) }, () => random.whole(0, 255)))
        : spoil(random, random.pick(all), all);
    const start = performance.now();
    try {
      loads(bytes);
      read++;
    } catch (error) {
      assert.ok(error instanceof UnpicklingError, `seed ${seed}, round ${round}: ${(error as Error).stack}`);
      assert.equal(error.cause instanceof RangeError && error.cause.message.includes('call stack'), false);
    }
    const ms = performance.now() - start;
    assert.ok(ms < slowestMs, `seed ${seed}, round ${round}: ${ms} ms`);
  }
  assert.ok(read > rounds / 100, 'some of them are still whole');
  assert.equal(Object.getOwnPropertyNames(Object.prototype).length, prototypeKeys, 'nothing is polluted');
});

const prototypeKeys = Object.getOwnPropertyNames(Object.prototype).length;
