import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PythonManager, type QueueProxy } from 'manycore/managers';

export interface Job {
  readonly n: number;
}

export interface Result {
  readonly n: number;
  readonly square: number;
  readonly by: string;
}

/** The server's own names are no types of ours: what is behind them is told here. */
class Queues extends PythonManager {}
Queues.register('jobs', { type: 'Queue' });
Queues.register('results', { type: 'Queue' });

/** Runs the Python side of the example, from the package's folder. */
export function python(...args: readonly string[]): ChildProcess {
  return spawn('python3', ['examples/python/work_queue.py', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

export async function firstLine(child: ChildProcess): Promise<string> {
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  return line;
}

/** Starts the Python server, connects to it, and ends it after `body`. Says so where there is no Python. */
export async function withQueues(
  body: (jobs: QueueProxy<Job | null>, results: QueueProxy<Result>, port: string) => Promise<void>,
): Promise<void> {
  const server = python('serve');
  const started = await Promise.race([firstLine(server), once(server, 'error').then(() => undefined)]);
  if (started === undefined) return console.log('skipped: python3 is not installed');
  const [port = '', minor = ''] = started.split(' ');
  try {
    await using manager = await Queues.connect(
      { port: Number(port) },
      { authKey: 'the secret of this example', legacy: Number(minor) < 12 },
    );
    const jobs = manager.create<QueueProxy<Job | null>>('jobs');
    const results = manager.create<QueueProxy<Result>>('results');
    await manager.settled();
    await body(jobs, results, port);
  } finally {
    server.kill();
  }
}
