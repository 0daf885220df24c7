import { playOnSpoilt, RingMachine } from '../queues/ring-machine.ts';
import { mutate, type Sample, samples, tryRead } from '../wire/mutations.ts';
import { mutateBytes, type Target } from './guided.ts';

const inDist = (part: string) => (url: string) => url.endsWith(`/dist/parts/${part}.js`);

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Spoilt messages, errors, columns, frames and records: see `wire/mutations.ts`. */
export const codec: Target<Sample> = {
  name: 'codec',
  covers: inDist('base'),
  seeds: samples(),
  mutate: (sample, random, corpus) => ({ ...sample, bytes: mutate(sample.bytes, () => random.next(), corpus) }),
  run: (sample) => {
    const finding = tryRead(sample, sample.bytes, 0);
    if (finding !== undefined) throw new Error(finding.problem, { cause: finding.error });
    return undefined;
  },
  show: ({ name, bytes }) => `${name}: ${hex(bytes)}`,
};

const programs = [[], [0, 2, 0, 0, 20, 0, 3], [1, 4, 2, 0, 9, 200, 1, 30, 3, 3, 2, 7, 0, 4, 4, 255]].map((bytes) =>
  Uint8Array.from(bytes),
);

/** Who puts and takes, and is killed: see `queues/ring-machine.ts`. */
export const ring: Target<Uint8Array> = {
  name: 'ring',
  covers: inDist('shared'),
  seeds: programs,
  mutate: mutateBytes,
  run: (program) => new RingMachine(program).run().places,
  show: hex,
};

export const spoiltRing: Target<Uint8Array> = {
  ...ring,
  name: 'spoilt ring',
  run: playOnSpoilt,
};
