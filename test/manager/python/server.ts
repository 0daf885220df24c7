import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TcpAddress } from 'manycore/managers';

export const authKey = 'abc';

/** One Python that is installed here. */
export interface Python {
  readonly command: string;
  readonly version: string;
  /** It knows MD5 only. */
  readonly legacy: boolean;
}

/** The Pythons that are here, each version once. */
export const pythons: readonly Python[] = (() => {
  const found = new Map<string, Python>();
  for (const command of ['python3', 'python3.12', 'python3.13', 'python3.14']) {
    const { status, stdout } = spawnSync(command, ['-c', 'import sys; print(*sys.version_info[:2])'], {
      encoding: 'utf8',
    });
    if (status !== 0) continue;
    const [major = 0, minor = 0] = stdout.trim().split(' ').map(Number);
    const version = `${major}.${minor}`;
    if (!found.has(version)) found.set(version, { command, version, legacy: minor < 12 });
  }
  return [...found.values()];
})();

export interface PythonServer extends AsyncDisposable {
  readonly address: TcpAddress;
  readonly legacy: boolean;
  readonly version: string;
  readonly child: ChildProcess;
}

/** What every server of these tests has besides Python's own types. */
const serverCode = `
import os, queue, sys, threading
from multiprocessing.managers import BaseManager, SyncManager

class Counter:
    def __init__(self, start=0):
        self.n = start
    def add(self, by):
        self.n += by
        return self.n
    def fail(self):
        raise ZeroDivisionError('by zero')
    def odd(self):
        return Counter()
    def names(self):
        return ['a', 'b']
    def _hidden(self):
        return 1

class Strange(Exception):
    pass

def strange():
    raise Strange('of its own', 7)

class Thrower:
    def throw(self):
        strange()

def count(n):
    yield from range(n)

class M(SyncManager):
    pass

jobs = queue.Queue()
M.register('get_queue', callable=lambda: jobs)
M.register('Counter', Counter, method_to_typeid={'names': 'list'})
M.register('Thrower', Thrower)
M.register('count', count, proxytype=SyncManager._registry['Iterator'][3], exposed=('__next__', 'close'))

def serve(address):
    server = M(address, b'abc').get_server()
    print(server.address[1], flush=True)
    def watch():
        sys.stdin.read()
        os._exit(0)
    threading.Thread(target=watch, daemon=True).start()
    server.serve_forever()

serve(('127.0.0.1', 0))
`;

/** A Python process that prints a line first, and ends when its input does. */
export async function startPython(
  { command }: Python,
  code: string,
  ...args: readonly string[]
): Promise<{ child: ChildProcess; line: string; end(): Promise<void> }> {
  const child = spawn(command, ['-c', code, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, 'line'), exited.then(() => undefined)]);
  if (first === undefined) throw new Error(`Python has ended at once: ${complaints}`);
  return {
    child,
    line: String(first[0]),
    async end() {
      child.stdin.destroy();
      await exited;
      lines.close();
    },
  };
}

/** A Python manager's server on a port of its own. */
export async function servePython(python: Python): Promise<PythonServer> {
  const { child, line, end } = await startPython(python, serverCode);
  const { legacy, version } = python;
  return { child, address: { port: Number(line) }, legacy, version, [Symbol.asyncDispose]: end };
}
