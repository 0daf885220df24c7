import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { transfer } from 'manycore';
import { encode, travel, travelWithClasses } from './travel.ts';

describe('wire: buffers', () => {
  test('a Buffer from the pool exposes none of its neighbours (A13)', () => {
    const neighbour = Buffer.from('a secret beside it');
    const mine = Buffer.from('mine');
    assert.equal(mine.buffer, neighbour.buffer, 'both are from the pool');
    const { bytes } = encode(mine);
    assert.ok(!bytes.includes('secret'));
    const back = travel(mine);
    assert.equal(back.buffer.byteLength, 4);
    assert.ok(Buffer.isBuffer(back));
    assert.deepStrictEqual(back, mine);
  });

  test('a view on a part takes its part along; views on a whole buffer share it (A13)', () => {
    const buffer = new Uint8Array(64).map((_, i) => i).buffer;
    const part = travel(new Int16Array(buffer, 8, 4));
    assert.equal(part.byteOffset, 0);
    assert.equal(part.buffer.byteLength, 8);
    assert.deepStrictEqual(part, new Int16Array(buffer.slice(8, 16)));
    const [bytes, doubles] = travel([new Uint8Array(buffer), new Float64Array(buffer)] as const);
    assert.equal(bytes.buffer, doubles.buffer);
  });

  test('large buffers go beside the bytes, small ones within', () => {
    const large = encode({ a: new Uint8Array(16 * 1024), b: new Uint8Array(16 * 1024 - 1) });
    assert.deepEqual(
      large.attachments.map(({ buffer }) => buffer.byteLength),
      [16 * 1024],
    );
    assert.ok(large.bytes.length < 16 * 1024 + 100);
  });

  test('a view of a class of its own keeps the class', async () => {
    class Samples extends Float32Array {}
    const back = await travelWithClasses(new Samples([1, 2]));
    assert.ok(back instanceof Samples);
    assert.deepEqual([...back], [1, 2]);
  });

  test('a resizable ArrayBuffer arrives with its present length, not resizable', () => {
    const resizable = Reflect.construct(ArrayBuffer, [4, { maxByteLength: 64 }]) as ArrayBuffer;
    new Uint8Array(resizable).set([1, 2, 3, 4]);
    const back = travel({ resizable, view: new Uint8Array(resizable) });
    assert.equal(Reflect.get(back.resizable, 'resizable'), false);
    assert.deepEqual([...back.view], [1, 2, 3, 4]);
  });

  test('a SharedArrayBuffer is shared with threads and refused for processes (A13)', () => {
    const shared = new SharedArrayBuffer(8);
    assert.equal(travel(new Int32Array(shared), true).buffer, shared);
    assert.throws(() => encode({ a: [shared] }), {
      code: 'ERR_MANYCORE_SERIALIZATION',
      path: '$.a[0]',
      message: /ThreadPool/,
    });
  });

  test('a buffer marked by transfer() goes beside the bytes, however small', () => {
    const { attachments } = encode(transfer(new Uint8Array(4)));
    assert.deepEqual(
      attachments.map(({ buffer, moves }) => [buffer.byteLength, moves]),
      [[4, true]],
    );
  });

  test('a detached buffer is refused with its path', () => {
    const buffer = new ArrayBuffer(8);
    structuredClone(buffer, { transfer: [buffer] });
    assert.throws(() => encode({ b: buffer }), { code: 'ERR_MANYCORE_SERIALIZATION', path: '$.b' });
  });
});
