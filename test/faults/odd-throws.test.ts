import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import vm from 'node:vm';
import { RemoteError, SerializationError } from 'manycore';
import { scenario } from './support.ts';

class Boom extends TypeError {
  code = 'E1';
  data = { a: [1] };
  constructor() {
    super('boom');
  }
}

scenario('an error of a class of ours keeps class, fields and stack (A1)', {}, async ({ submit }) => {
  const error = await submit(function thrower() {
    throw new Boom();
  }, []).error();
  assert.ok(error instanceof TypeError && error instanceof Boom);
  assert.equal(error.message, 'boom');
  assert.equal(error.code, 'E1');
  assert.deepEqual(error.data, { a: [1] });
  assert.match(error.stack ?? '', /thrower.*odd-throws[^]*on worker \d+ \((?:pid|thread) \d+\)[^]*odd-throws/);
});

const oddities: [string, () => unknown, unknown][] = [
  ['undefined', () => undefined, undefined],
  ['null', () => null, null],
  ['NaN', () => NaN, NaN],
  ["''", () => '', ''],
  ['0n', () => 0n, 0n],
];
for (const [shown, make, expected] of oddities) {
  for (const kind of ['sync', 'async']) {
    scenario(`throw ${shown} (${kind}) is a rejection that holds the value (A2)`, {}, async ({ submit }) => {
      const error =
        kind === 'sync'
          ? await submit(
              (value) => {
                throw value();
              },
              [make],
            ).error()
          : await submit(async (value) => Promise.reject(value()), [make]).error();
      assert.ok(error instanceof RemoteError);
      assert.ok(Object.is(error.value, expected));
    });
  }
}

scenario("throw Symbol('x') is a rejection that names it (A2)", {}, async ({ submit }) => {
  const error = await submit(() => {
    throw Symbol('x');
  }, []).error();
  assert.ok(error instanceof RemoteError);
  assert.match(String(error.message), /Symbol\(x\)/);
});

scenario('frozen, sealed and prototype-less errors are rejections (A3)', {}, async ({ submit }) => {
  const frozen = submit(() => {
    throw Object.freeze(new Error('frozen'));
  }, []);
  assert.equal((await frozen.error()).message, 'frozen');
  const sealed = submit(() => {
    throw Object.seal(new RangeError('sealed'));
  }, []);
  assert.ok((await sealed.error()) instanceof RangeError);
  const bare = submit(() => {
    throw Object.setPrototypeOf(new Error('bare'), null);
  }, []);
  assert.equal((await bare.error()).message, 'bare');
});

scenario('cycles of causes and of errors are kept (A4)', {}, async ({ submit }) => {
  const own = await submit(() => {
    const e = new Error('own');
    e.cause = e;
    throw e;
  }, []).error();
  assert.equal(own.cause, own);
  const a = await submit(() => {
    const first = new Error('a');
    const second = new Error('b', { cause: first });
    first.cause = second;
    throw first;
  }, []).error();
  assert.equal((a.cause as Error).message, 'b');
  assert.equal((a.cause as Error).cause, a);
  const aggregate = await submit(() => {
    const e = new AggregateError([], 'many');
    e.errors.push(e);
    throw e;
  }, []).error();
  assert.equal((aggregate as unknown as AggregateError).errors[0], aggregate);
});

scenario('what cannot travel with an error is dropped and named (A5)', {}, async ({ submit }) => {
  const error = await submit(() => {
    throw Object.assign(new Error('x'), { kept: 1, sock: new Socket(), self: globalThis });
  }, []).error();
  assert.equal(error.message, 'x');
  assert.equal(error['kept'], 1);
  assert.ok((error['droppedKeys'] as string[]).includes('sock'));
});

scenario('getters of an error that throw make it unreadable, not lost (A6)', {}, async ({ submit }) => {
  for (const key of ['stack', 'message', 'name', 'cause']) {
    const error = await submit(
      (name) => {
        const e = new Error('x');
        const get = (): never => {
          throw new Error('no');
        };
        Object.defineProperty(e, name, { get });
        throw e;
      },
      [key],
    ).error();
    assert.ok(error instanceof Error, key);
  }
});

scenario('a proxy of an error, and an error whose keys cannot be listed (A6)', {}, async ({ submit }) => {
  const refuse = (): never => {
    throw new Error('no');
  };
  const error = await submit(
    (trap) => {
      throw new Proxy(new Error('x'), { get: trap, ownKeys: trap, getPrototypeOf: trap });
    },
    [refuse],
  ).error();
  assert.ok(error instanceof RemoteError);
});

scenario(
  'a chain of 100 000 causes, 50 MB of message, a million fields: cut, and soon (A8)',
  {},
  async ({ submit }) => {
    const deep = submit(() => {
      let e = new Error('0');
      for (let i = 1; i < 1e5; i++) e = new Error(String(i), { cause: e });
      throw e;
    }, []);
    const long = submit(() => {
      throw new Error('x'.repeat(50e6));
    }, []);
    const wide = submit(() => {
      const e: Error & Record<string, unknown> = new Error('wide') as never;
      for (let i = 0; i < 1e6; i++) e[`k${i}`] = i;
      throw e;
    }, []);
    assert.equal((await deep.error()).message, '99999');
    assert.ok((await long.error()).message.length < 1e6);
    const error = await wide.error();
    assert.equal(error['k0'], 0);
    assert.match(String(error['droppedKeys']), /more/);
  },
);

scenario('DOMException, an error of another realm, an unknown class (A9)', {}, async ({ submit }) => {
  const dom = await submit(() => {
    throw new DOMException('gone', 'AbortError');
  }, []).error();
  assert.equal(dom.name, 'AbortError');
  assert.equal(dom.message, 'gone');
  const foreign = await submit(() => {
    throw vm.runInNewContext("new RangeError('foreign')");
  }, []).error();
  assert.equal(foreign.message, 'foreign');
  assert.equal(foreign.name, 'RangeError');
  const unknown = await submit(() => {
    throw new (class Local extends Error {
      override name = 'Local';
    })('local');
  }, []).error();
  assert.equal(unknown.name, 'Local');
});

scenario('results that cannot travel are named with their path (A10)', {}, async ({ submit }) => {
  const weak = await submit(() => ({ a: { b: new WeakMap() } }), []).error();
  assert.ok(weak instanceof SerializationError);
  assert.equal(weak.phase, 'result');
  assert.equal(weak.path, '$.a.b');
  const promise = await submit(() => ({ p: Promise.resolve(1) }), []).error();
  assert.ok(promise instanceof SerializationError);
  assert.equal(promise.path, '$.p');
  // A symbol arrives as one, of the same description: it is never dropped.
  assert.equal((await submit(() => [Symbol('s')], []).result)[0]?.description, 's');
});

scenario('a result whose getter or trap throws fails its task only (A11)', {}, async ({ submit }) => {
  const getter = await submit(
    () => ({
      get x(): number {
        throw new Error('no getter');
      },
    }),
    [],
  ).error();
  assert.ok(getter instanceof SerializationError, getter.stack);
  const proxy = await submit(
    () =>
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('no keys');
          },
        },
      ),
    [],
  ).error();
  assert.ok(proxy instanceof SerializationError, proxy.stack);
  const json = submit(
    () => ({
      n: 1,
      toJSON: () => {
        throw new Error('never called');
      },
    }),
    [],
  );
  assert.equal((await json.result).n, 1);
});

scenario('results with __proto__, constructor and then are data (A14)', {}, async ({ submit }) => {
  const proto = await submit(() => JSON.parse('{"__proto__":{"polluted":1}}') as object, []).result;
  assert.ok(Object.hasOwn(proto, '__proto__'));
  assert.equal((proto as { polluted?: unknown }).polluted, undefined);
  assert.equal(Object.getPrototypeOf(proto), Object.prototype);
  const constructor = await submit(() => ({ constructor: { prototype: { polluted: 1 } } }), []).result;
  assert.ok(Object.hasOwn(constructor, 'constructor'));
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  // oxlint-disable-next-line unicorn/no-thenable -- that is the case
  assert.deepEqual(await submit(() => ({ then: 1 }), []).result, { then: 1 });
});
