import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createReader } from '#internal/closure/capture.js';
import { mainUrl } from '#internal/closure/main-module.js';
import { createBuilder } from '#internal/closure/rebuild.js';
import { type Frame, Side } from './side.ts';

/** Runs functions in one worker, over the real codec. The only file that knows how: cases get `run`. */
export interface Runner {
  run(fn: (...args: never[]) => unknown, ...args: unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

export type Kind = 'thread' | 'process';

export function createRunner(kind: Kind): Runner {
  const entry = new URL('./worker.js', import.meta.url);
  const main = mainUrl() ?? '';
  const worker =
    kind === 'thread'
      ? new Worker(entry, { workerData: { main } })
      : fork(fileURLToPath(entry), [main], { serialization: 'advanced', stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let last = 0;
  const post = (frame: Frame): void => {
    if (worker instanceof Worker) worker.postMessage(frame);
    else worker.send(frame);
  };
  const side = new Side(
    createReader({ toward: 'worker' }),
    createBuilder({ from: 'worker' }),
    kind === 'thread',
    post,
    (id, ok, value) => {
      const task = waiting.get(id);
      waiting.delete(id);
      if (ok) task?.resolve(value);
      else task?.reject(value);
    },
  );
  worker.on('message', (frame: Frame) => side.accept(frame));
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return {
    run: async (fn, ...args) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        side.send(id, true, [fn, ...args], 'args');
        waiting.set(id, { resolve, reject });
      }),
    close: async () => {
      if (worker instanceof Worker) await worker.terminate();
      else worker.disconnect();
      await exited;
    },
  };
}
