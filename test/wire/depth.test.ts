import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { travel, travelWithClasses } from './travel.ts';

describe('wire: depth and width', () => {
  test('a list of 100 000 levels', () => {
    let list: { next: unknown } | null = null;
    for (let i = 0; i < 100_000; i++) list = { next: list };
    let depth = 0;
    for (let at: unknown = travel(list); at !== null; at = (at as { next: unknown }).next) depth++;
    assert.equal(depth, 100_000);
  });

  test('arrays, Maps, Sets, errors, frozen objects and null prototypes nested 20 000 deep in turn', () => {
    let value: unknown = 'core';
    const wrap: readonly ((inner: unknown) => unknown)[] = [
      (inner) => [inner],
      (inner) => new Map([['k', inner]]),
      (inner) => new Set([inner]),
      (inner) => new Error('e', { cause: inner }),
      (inner) => Object.freeze({ inner }),
      (inner) => Object.assign(Object.create(null) as object, { inner }),
    ];
    for (let i = 0; i < 20_000; i++) value = wrap[i % wrap.length]!(value);
    let at: unknown = travel(value);
    let depth = 0;
    for (; at !== 'core'; depth++) {
      if (Array.isArray(at)) at = at[0];
      else if (at instanceof Map) at = at.get('k');
      else if (at instanceof Set) at = [...at][0];
      else if (at instanceof Error) at = at.cause;
      else at = (at as { inner: unknown }).inner;
    }
    assert.equal(depth, 20_000);
  });

  test('instances of a class nested 10 000 deep', async () => {
    class Node {
      next: Node | undefined;
      constructor(next: Node | undefined) {
        this.next = next;
      }
    }
    let list: Node | undefined;
    for (let i = 0; i < 10_000; i++) list = new Node(list);
    let depth = 0;
    for (let at = await travelWithClasses(list); at !== undefined; at = at.next) {
      assert.ok(at instanceof Node);
      depth++;
    }
    assert.equal(depth, 10_000);
  });

  test('a wide graph: 100 000 objects that all know one', () => {
    const hub = { name: 'hub' };
    const back = travel(Array.from({ length: 100_000 }, (_, i) => ({ i, hub })));
    assert.ok(back.every(({ hub: other }) => other === back[0]!.hub));
    assert.equal(back[99_999]!.i, 99_999);
  });

  test('100 000 objects of as many shapes in linear time', { timeout: 20_000 }, () => {
    const many = Array.from({ length: 100_000 }, (_, i) => ({ id: i, [`only${i}`]: 1 }));
    assert.deepStrictEqual(travel(many), many);
  });

  test('arrays longer than 256 are taken to have no named properties (the documented limit)', () => {
    const list = Object.assign(
      Array.from({ length: 257 }, (_, i) => `${i}`),
      { name: 'lost' },
    );
    assert.equal(Reflect.get(travel(list), 'name'), undefined);
    assert.equal(Reflect.get(travel(Object.assign(list.slice(0, 256), { name: 'kept' })), 'name'), 'kept');
  });
});
