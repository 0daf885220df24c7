import { dumps } from '#internal/connection/pickle/encode.js';
import type { Random } from '../engine/random.ts';
import { runPython } from './support.ts';

/** Pickles of all protocols and kinds, to be spoilt. */
export function samples(): Buffer[] {
  const out = runPython(`import sys, pickle, datetime as d
l = [1, 2.5, 'text', b'bytes', None, True, 10**40, -1, 'ünï', {1, 2}, frozenset([3]), bytearray(b'x')]
x = {'a': l, 'b': (1, (2, 3), l), 3: {'c': l}, 'd': d.datetime.now(d.timezone.utc), 'e': d.date.today(), 'f': d.timedelta(1), 'g': list(range(300))}
x['self'] = x
for protocol in range(6):
    out = pickle.dumps(x, protocol); sys.stdout.buffer.write(len(out).to_bytes(4, 'big') + out)`);
  const found = [dumps({ a: [1, new Date(), new Map([[1, Object.freeze([2])]])], b: new Set(['x']) })];
  for (let at = 0; at < out.length; at += 4 + out.readInt32BE(at))
    found.push(out.subarray(at + 4, at + 4 + out.readInt32BE(at)));
  return found;
}

export function spoil(random: Random, sample: Buffer, others: readonly Buffer[]): Buffer {
  let bytes = Buffer.from(sample);
  for (let changes = random.whole(1, 4); changes > 0; changes--) {
    const at = random.whole(0, bytes.length - 1);
    const kind = random.whole(0, 4);
    if (kind === 0) bytes[at] = random.whole(0, 255);
    else if (kind === 1) bytes[at]! ^= 1 << random.whole(0, 7);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.whole(1, 9))]);
    else {
      const other = random.pick(others);
      const from = random.whole(0, other.length - 1);
      const piece = other.subarray(from, from + random.whole(1, 20));
      bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(kind === 3 ? at : at + piece.length)]);
    }
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}
