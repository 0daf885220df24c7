import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRunner } from './runner.ts';

const runner = createRunner('thread');
after(() => runner.close());

/** The first line of this file in a stack. */
function firstPlace(stack: string | undefined): string {
  return /stack\.test\.[jt]s:\d+:\d+/.exec(stack ?? '')?.[0] ?? String(stack);
}

test('a stack there names the same line and column as one here', async () => {
  let counter = 0;
  counter++;
  const where = (): string | undefined => {
    if (counter < 0) return undefined;
    return new Error('here').stack;
  };
  assert.equal(firstPlace((await runner.run(where)) as string), firstPlace(where()));
});

test('so does that of a function without variables', async () => {
  const where = (): string | undefined => new Error('here').stack;
  assert.equal(firstPlace((await runner.run(where)) as string), firstPlace(where()));
});

test('and that of a method of a class', async () => {
  class Place {
    #hidden = 1;
    where(): string | undefined {
      if (this.#hidden === 0) return undefined;
      return new Error('here').stack;
    }
  }
  const place = new Place();
  assert.equal(firstPlace((await runner.run(() => place.where())) as string), firstPlace(place.where()));
});
