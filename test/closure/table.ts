import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createRunner, type Kind, type Runner } from './runner.ts';

/** Any function: the cases are about functions and not about their types. */
export type Fn = (...args: never[]) => unknown;

/** A case makes a function here, runs it there with the arguments, and compares the result or the error's message. */
export type Case = readonly [name: string, make: () => unknown, args: readonly unknown[], expected: unknown];

/** For values whose type does not matter in a case. */
export function loose(value: unknown): never {
  return value as never;
}

export function runCases(cases: readonly Case[], kinds: readonly Kind[] = ['thread', 'process']): void {
  for (const kind of kinds) {
    void describe(`in a ${kind}`, () => {
      let runner: Runner | undefined;
      after(async () => runner?.close());
      for (const [name, make, args, expected] of cases) {
        test(name, async () => {
          runner ??= createRunner(kind);
          const sent = async (): Promise<unknown> => runner!.run((await make()) as Fn, ...args);
          if (expected instanceof RegExp) await assert.rejects(sent, expected);
          else assert.deepEqual(await sent(), expected);
        });
      }
    });
  }
}
