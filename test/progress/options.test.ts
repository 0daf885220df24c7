import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProgress } from '#internal/progress/index.js';
import { readProgressOption } from '#internal/progress/options.js';
import { counters } from './fake-host.ts';

const read = (option: unknown): ReturnType<typeof readProgressOption> => readProgressOption(option as boolean, 'fn');

const onUpdate = (): void => {};

test('each form of the option', () => {
  assert.equal(read(false), undefined);
  assert.equal(read(undefined), undefined);
  assert.deepEqual(read(true), { label: 'fn', intervalMs: 100, stream: undefined, onUpdate: undefined, visible: true });
  assert.equal(read('squares')?.label, 'squares');
  assert.equal(read({})?.label, 'fn');
  assert.equal(read(onUpdate)?.visible, false);
  assert.equal(read(onUpdate)?.onUpdate, onUpdate);
  assert.equal(read({ onUpdate })?.visible, true);
  assert.equal(read({ label: 'x', interval: 20, stream: process.stderr })?.intervalMs, 20);
});

test('what cannot be used is named, with what was probably meant', () => {
  const rows: [unknown, string, RegExp][] = [
    [null, 'ERR_MANYCORE_ARGUMENT_TYPE', /^Cannot use progress null: expected true, a label, options or a function\.$/],
    [5, 'ERR_MANYCORE_ARGUMENT_TYPE', /^Cannot use progress 5: expected /],
    [['x'], 'ERR_MANYCORE_ARGUMENT_TYPE', /^Cannot use progress an array: /],
    [{ lable: 'x' }, 'ERR_MANYCORE_ARGUMENT_TYPE', /^Unknown option "lable" of progress\. Did you mean "label"\?$/],
    [{ desc: 'x' }, 'ERR_MANYCORE_ARGUMENT_TYPE', /Did you mean "label"\?/],
    [{ on_update: 1 }, 'ERR_MANYCORE_ARGUMENT_TYPE', /Did you mean "onUpdate"\?/],
    [{ min_interval: 1 }, 'ERR_MANYCORE_ARGUMENT_TYPE', /Did you mean "interval"\?/],
    [{ colour: 1 }, 'ERR_MANYCORE_ARGUMENT_TYPE', /It takes label, stream, interval, onUpdate/],
    [{ label: 7 }, 'ERR_MANYCORE_ARGUMENT_TYPE', /^Cannot use progress\.label 7: expected a string\.$/],
    [{ stream: {} }, 'ERR_MANYCORE_ARGUMENT_TYPE', /progress\.stream/],
    [{ onUpdate: 'x' }, 'ERR_MANYCORE_ARGUMENT_TYPE', /progress\.onUpdate/],
    [{ interval: '9' }, 'ERR_MANYCORE_ARGUMENT_TYPE', /progress\.interval/],
    [
      { interval: 0 },
      'ERR_MANYCORE_ARGUMENT_RANGE',
      /^Cannot use progress\.interval 0: expected milliseconds from 1 to 2147483647\.$/,
    ],
    [{ interval: NaN }, 'ERR_MANYCORE_ARGUMENT_RANGE', /interval NaN: /],
    [{ interval: 2 ** 31 }, 'ERR_MANYCORE_ARGUMENT_RANGE', /interval 2147483648: /],
  ];
  for (const [option, code, message] of rows)
    assert.throws(() => read(option), { code, message }, JSON.stringify(option));
});

test('an option that cannot be used is refused before anything is started', () => {
  const timers = process.getActiveResourcesInfo().length;
  assert.throws(() => startProgress({ lable: 'x' } as object, counters(1), 'fn'), TypeError);
  assert.equal(process.getActiveResourcesInfo().length, timers);
});
