import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import { TaskTimeoutError } from 'manycore';
import { travel, travelWithClasses } from './travel.ts';

describe('wire: errors as values', () => {
  const point = { x: 1 };

  test('class, message, stack, code, fields and cause (A1)', async () => {
    class Odd extends RangeError {
      readonly code = 'E_ODD';
      readonly point = point;
    }
    const back = await travelWithClasses({ e: new Odd('boom', { cause: new SyntaxError('inner') }) });
    assert.ok(back.e instanceof Odd && back.e instanceof RangeError);
    assert.equal(back.e.message, 'boom');
    assert.equal(back.e.code, 'E_ODD');
    assert.deepEqual(back.e.point, { x: 1 });
    assert.match(back.e.stack!, /classes/);
    assert.ok(back.e.cause instanceof SyntaxError);
  });

  for (const kind of [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError]) {
    test(`${kind.name} without its class having to travel`, () => {
      const back = travel(new kind('m', { cause: 0 }));
      assert.equal(Object.getPrototypeOf(back), kind.prototype);
      assert.deepStrictEqual([back.name, back.message, back.cause], [kind.name, 'm', 0]);
      assert.ok(!Object.keys(back).includes('message'));
    });
  }

  test('AggregateError, an error of Node, of the DOM and of manycore', async () => {
    const aggregate = travel(new AggregateError([new Error('1'), 2], 'several'));
    assert.ok(aggregate instanceof AggregateError && aggregate.errors[0] instanceof Error);
    assert.equal(aggregate.errors[1], 2);
    const ofNode = (): unknown => {
      try {
        return Buffer.alloc('x' as never);
      } catch (error) {
        return error;
      }
    };
    const node = (await travelWithClasses(ofNode())) as NodeJS.ErrnoException;
    assert.ok(node instanceof TypeError);
    assert.equal(node.code, 'ERR_INVALID_ARG_TYPE');
    const dom = await travelWithClasses(new DOMException('stop', 'AbortError'));
    assert.ok(dom instanceof DOMException && dom instanceof Error);
    assert.deepEqual([dom.name, dom.message, dom.code], ['AbortError', 'stop', 20]);
    const timeout = travel(new TaskTimeoutError('late', { id: 1, name: 'f', attempt: 2 }, 30));
    assert.ok(timeout instanceof TaskTimeoutError);
    assert.deepEqual([timeout.timeoutMs, timeout.task.attempt, timeout.code], [30, 2, 'ERR_MANYCORE_TASK_TIMEOUT']);
  });
});

describe('wire: instances', () => {
  test('of classes, with private fields, accessors, frozen, and built on built-ins', async () => {
    class Account {
      #cents = 5;
      static made = 0;
      name = 'n';
      get cents(): number {
        return this.#cents;
      }
    }
    class Bag extends Set<number> {
      label = 'bag';
      sum(): number {
        return [...this].reduce((a, b) => a + b, 0);
      }
    }
    class List extends Array<number> {
      last(): number | undefined {
        return this.at(-1);
      }
    }
    const back = await travelWithClasses({
      account: Object.freeze(new Account()),
      bag: new Bag([1, 2]),
      list: List.from([1, 2]) as List,
    });
    assert.ok(back.account instanceof Account && back.bag instanceof Bag && back.list instanceof List);
    assert.deepEqual(
      [back.account.cents, back.account.name, back.bag.sum(), back.bag.label, back.list.last()],
      [5, 'n', 3, 'bag', 2],
    );
    assert.ok(Object.isFrozen(back.account));
  });

  test('with a field of the name of an inherited setter', async () => {
    class Guarded {
      set value(_: number) {
        throw new Error('the setter was called');
      }
    }
    const guarded = Object.defineProperty(new Guarded(), 'value', {
      value: 3,
      enumerable: true,
      writable: true,
      configurable: true,
    });
    const back = await travelWithClasses([guarded, guarded, { value: 1 }]);
    assert.equal(Object.getOwnPropertyDescriptor(back[0], 'value')?.value, 3);
  });

  test('of a class of Node that lives in this process: refused with advice (A10)', async () => {
    await assert.rejects(
      travelWithClasses({ a: { emitter: new (class extends EventEmitter {})(), intl: new Intl.NumberFormat() } }),
      {
        code: 'ERR_MANYCORE_SERIALIZATION',
        path: '$.a.intl',
        message: /NumberFormat, which lives in this process. Open it inside the worker/,
      },
    );
  });
});
