import type { Block } from '#internal/memory/block.js';
import { steps } from '#internal/queues/ring.js';
import { ended, Kind, type Rules, SharedRing } from '#internal/queues/shared-ring.js';
import type { Place } from '#internal/sync/shared-object.js';
import type { Actor, Scene } from './scenes.ts';

/** Items of each producer. */
export const items = 4;

/** The notes: how many puts of each producer have returned; who is what, and done, as bits; which items of each were taken, as bits. */
export const QueueNote = { put: 0, producers: 4, consumers: 5, done: 6, taken: 8 } as const;

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** A ring of 64 bytes: full of records that are small, or of bytes. */
function open({ words, parties }: Place): SharedRing {
  // Bytes are written without atomics: between them it may be the turn of others too.
  steps.step = () => void Atomics.load(words, 0);
  const block = { words, home: parties, file: { fd: -1, bytes: 0 } } as unknown as Block;
  return SharedRing.format(block, { capacity: 64, limit: 5 });
}

function bits(note: number): number[] {
  return [0, 1, 2, 3].filter((actor) => (note & (1 << actor)) !== 0);
}

function rules({ notes, dead }: Actor): Rules {
  return {
    puts: () => check(!bits(notes[QueueNote.consumers]!).every(dead), 'nobody is there to take it'),
    ended: () => bits(notes[QueueNote.producers]! & ~notes[QueueNote.done]!).every(dead),
  };
}

function put(isSync: boolean): Scene {
  return (place, actor) => {
    const { me, notes } = actor;
    const ring = open(place);
    Atomics.or(notes, QueueNote.producers, 1 << me);
    return async () => {
      try {
        for (let i = 0; i < items; i++) {
          const bytes = new Uint8Array(1 + ((i * 7 + me * 5) % 16)).fill(16 * me + i + 1);
          if (isSync) ring.putSync(Kind.bytes, bytes, rules(actor), undefined);
          else await ring.put(Kind.bytes, bytes, rules(actor), {});
          notes[QueueNote.put + me]!++;
        }
      } catch (error) {
        if (!/nobody is there/.test((error as Error).message)) throw error;
      }
      notes[QueueNote.done]! |= 1 << me;
      ring.notify();
    };
  };
}

function take(isSync: boolean): Scene {
  return (place, actor) => {
    const { me, notes } = actor;
    const ring = open(place);
    Atomics.or(notes, QueueNote.consumers, 1 << me);
    return async () => {
      const last: number[] = [];
      for (;;) {
        const bytes = isSync ? ring.takeSync(rules(actor), undefined) : await ring.take(rules(actor), {});
        if (bytes === ended) return;
        const [id, ...rest] = bytes as Uint8Array;
        const [producer, i] = [(id! - 1) >> 4, (id! - 1) & 15];
        check(rest.every((byte) => byte === id) && rest.length === (i * 7 + producer * 5) % 16, 'an item is torn');
        check((last[producer] ?? -1) < i, 'the order of a producer is lost');
        last[producer] = i;
        check((notes[QueueNote.taken + producer]! & (1 << i)) === 0, 'an item was taken twice');
        notes[QueueNote.taken + producer]! |= 1 << i;
      }
    };
  };
}

export const queueScenes: Readonly<Record<string, Scene>> = {
  queuePutSync: put(true),
  queuePutAsync: put(false),
  queueTakeSync: take(true),
  queueTakeAsync: take(false),
};
