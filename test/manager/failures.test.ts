import { strict as assert } from 'node:assert';
import { Manager } from 'manycore';
import { rejection } from '../matrix.ts';
import { testServer } from './support.ts';

class Odd {
  code = 3;
}

/** Its methods fail in every way there is. */
class Failing {
  plain(): never {
    throw new Error('top', { cause: new Error('secret') });
  }
  instance(): never {
    // oxlint-disable-next-line no-throw-literal
    throw new Odd();
  }
  async later(what: string): Promise<never> {
    await Promise.resolve();
    // oxlint-disable-next-line no-throw-literal
    throw { instance: new Odd(), symbol: Symbol('x'), function: () => 1, nothing: undefined }[what];
  }
  async large(): Promise<never> {
    await Promise.resolve();
    throw Object.assign(new RangeError('large'), { data: new Uint8Array(100_000) });
  }
  async unreadable(): Promise<never> {
    await Promise.resolve();
    throw Object.defineProperty(new Error(), 'message', {
      get() {
        throw new Error('no');
      },
    });
  }
  async ok(): Promise<number> {
    return 1;
  }
}

class Failures extends Manager {}
Failures.register('Failing', { create: Failing });

testServer(
  'failures: whatever a method throws, its caller is told, and nobody else (I16)',
  { address: { port: 0 }, tls: false, manager: Failures, maxFrameBytes: 65_536 },
  async (client) => {
    const failing = client.create<Failing>('Failing');
    const list = client.list([1]);
    const errors = [
      await rejection(failing.instance()),
      await rejection(failing.later('instance')),
      await rejection(failing.later('symbol')),
      await rejection(failing.later('function')),
      await rejection(failing.later('nothing')),
    ];
    assert.deepEqual(
      errors.map(({ name }) => name),
      Array.from(errors, () => 'RemoteError'),
    );
    const large = await rejection(failing.large());
    assert.deepEqual([large.name, /RangeError, which is too large/.test(large.message)], ['RemoteError', true]);
    assert.equal((await rejection(failing.unreadable())).name, 'RemoteError');
    assert.equal(((await rejection(failing.plain())).cause as Error).message, 'secret');
    assert.deepEqual(await Promise.all([failing.ok(), list.length()]), [1, 1]);
  },
);

testServer(
  'failures: a function for `update` that throws no error (I16)',
  { address: { port: 0 }, tls: false, allowCode: true },
  async (client) => {
    const dict = client.dict<string, number>();
    const update = dict.update('k', async () => {
      await Promise.resolve();
      // oxlint-disable-next-line no-throw-literal
      throw Symbol('x');
    });
    assert.equal((await rejection(update)).name, 'RemoteError');
    assert.equal(await dict.size(), 0);
  },
);
