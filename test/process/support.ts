import { strict as assert } from 'node:assert';
import { finished } from 'node:stream/promises';
import { getContext, type Process, type ProcessOptions } from 'manycore';
import type { Context } from '../matrix.ts';

export interface Heard {
  readonly process: Process;
  stdout(): string;
  stderr(): string;
}

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** Reads what a started Process with `stdio: 'pipe'` prints. */
export function listenTo(process: Process): Heard & { readonly outcome: Promise<Outcome> } {
  let stdout = '';
  let stderr = '';
  process.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  process.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const outcome = (async () => {
    await process.join();
    await Promise.all([finished(process.stdout!), finished(process.stderr!)]);
    return { stdout, stderr, exitCode: process.exitCode };
  })();
  return { process, stdout: () => stdout, stderr: () => stderr, outcome };
}

/** Starts a Process whose output is read. */
export function startHeard<Args extends readonly unknown[] | []>(
  context: Context,
  options: Omit<ProcessOptions<Args>, 'context' | 'stdio'>,
): ReturnType<typeof listenTo> {
  const { Process } = getContext(context);
  const made = new Process<Args>({ ...options, stdio: ['ignore', 'pipe', 'pipe'] } as never);
  return listenTo((made as unknown as Process).start());
}

/** What a target printed and how it ended. */
export function outcomeOf<Args extends readonly unknown[] | []>(
  context: Context,
  target: (...args: [...Args]) => unknown,
  args: Args,
  options: Omit<ProcessOptions<Args>, 'context' | 'stdio' | 'target' | 'args'> = {},
): Promise<Outcome> {
  return startHeard<Args>(context, { ...options, target, args }).outcome;
}

/** What a target printed as JSON; it must have ended well. */
export async function answerOf<Args extends readonly unknown[] | []>(
  context: Context,
  target: (...args: [...Args]) => unknown,
  args: Args,
  options: Omit<ProcessOptions<Args>, 'context' | 'stdio' | 'target' | 'args'> = {},
): Promise<unknown> {
  const { stdout, stderr, exitCode } = await outcomeOf(context, target, args, options);
  assert.equal(stderr, '');
  assert.equal(exitCode, 0);
  return JSON.parse(stdout);
}

/** Never returns, and lets nothing else of its thread run. */
export function busy(): void {
  for (;;);
}

/** Has something to wait for, for a minute. */
export function idle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 60_000));
}

/** The same, having said so: it has loaded by then. */
export function sayAndIdle(): Promise<void> {
  console.log('here');
  return idle();
}
