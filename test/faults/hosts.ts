import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./fixtures/host.js', import.meta.url));

export interface Host {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Waits for a line of its output that begins like this. */
  line(start: string): Promise<string>;
  /** What it printed. */
  output(): string;
  errors(): string;
  /** Waits for its end. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly ms: number }>;
}

/** Starts a program with a pool; see fixtures/host.ts. */
export function startHost(args: readonly string[], nodeOptions: readonly string[] = []): Host {
  return startCommand(process.execPath, [...nodeOptions, program, ...args]);
}

export function startCommand(command: string, args: readonly string[]): Host {
  const startedMs = performance.now();
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    output += String(chunk);
    for (const look of waiting) look();
  });
  child.stderr.on('data', (chunk: Buffer) => (errors += String(chunk)));
  child.stdin.on('error', () => {});
  const ended = new Promise<{ code: number | null; signal: string | null; ms: number }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, ms: performance.now() - startedMs }));
  });
  return {
    child,
    pid: child.pid!,
    ended,
    output: () => output,
    errors: () => errors,
    line: (start) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = output
            .split('\n')
            .slice(0, -1)
            .find((each) => each.startsWith(start));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void ended.then(() =>
          reject(new assert.AssertionError({ message: `It ended without "${start}": ${output}${errors}` })),
        );
      }),
  };
}
