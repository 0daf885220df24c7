import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { createReader } from '#internal/closure/capture.js';
import { installLoaders } from '#internal/closure/loaders.js';
import { createBuilder } from '#internal/closure/rebuild.js';
import { registry } from '#internal/closure/registry.js';
import { type Frame, Side } from './side.ts';

registry.main = isMainThread ? process.argv[2] : (workerData as { main: string }).main;
const post = (frame: Frame): void => {
  if (parentPort) parentPort.postMessage(frame);
  else process.send?.(frame);
};
const side = new Side(
  createReader({ toward: 'host' }),
  createBuilder({ from: 'host' }),
  !isMainThread,
  post,
  (id, ok, value) => void answer(id, ok, value),
);

async function answer(id: number, ok: boolean, value: unknown): Promise<void> {
  try {
    if (!ok) throw value;
    const [fn, ...args] = value as [(...args: unknown[]) => unknown, ...unknown[]];
    side.send(id, true, await fn(...args), 'result');
  } catch (error) {
    // The codec has a form of its own for errors that were thrown; here the text is enough.
    const text = error instanceof Error ? error : new Error(String(error));
    side.send(id, false, Object.assign(new Error(text.message), { stack: text.stack }), 'result');
  }
}

await installLoaders(process.execArgv);
if (parentPort) parentPort.on('message', (frame: Frame) => side.accept(frame));
else process.on('message', (frame: Frame) => side.accept(frame));
