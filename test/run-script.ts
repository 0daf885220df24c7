import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { filesOf } from '#internal/testing/leftovers.js';
import { commandOf, killAll, marked } from '#internal/testing/processes.js';
import { eventually } from './matrix.ts';

export interface ScriptOptions {
  readonly args?: readonly string[];
  /** Options of node itself. */
  readonly execArgv?: readonly string[];
  /** Another node than this one. */
  readonly node?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The program is killed, and the call fails, after this long (milliseconds). */
  readonly limit?: number;
  /** Sees the running program: to send it a signal, or read what it printed so far. */
  readonly during?: (program: RunningScript) => unknown;
}

export interface RunningScript {
  readonly pid: number;
  /** What it has printed so far. */
  stdout(): string;
  /** Waits until it has printed this. */
  printed(text: string): Promise<void>;
}

export interface ScriptResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
let lastScript = 0;

/**
 * Runs a program, given as a compiled file's URL or as the source of an ES module, in a process of its own. It fails when
 * the program runs too long, or when any process that it started is alive a second after its end.
 */
export async function runScript(program: URL | string, options: ScriptOptions = {}): Promise<ScriptResult> {
  const { args = [], execArgv = [], node = process.execPath, limit = 20_000 } = options;
  const mark = `MANYCORE_TEST_MARK=${process.pid}-${++lastScript}-${Date.now()}`;
  const [name, value] = mark.split('=') as [string, string];
  // In the project, where `manycore` is found by its name.
  const own = typeof program === 'string' ? `${root}/build/scripts-of-tests/${value}.mjs` : undefined;
  if (own !== undefined) {
    mkdirSync(`${root}/build/scripts-of-tests`, { recursive: true });
    writeFileSync(own, program as string);
  }
  const env = { ...(options.env ?? process.env), [name]: value };
  // Set by the runner of these tests, it would make the program a test of it.
  delete env['NODE_TEST_CONTEXT'];
  const startedMs = performance.now();
  const child = spawn(node, [...execArgv, own ?? fileURLToPath(program), ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const closed = Promise.all([once(child.stdout, 'close'), once(child.stderr, 'close')]);
  let late = false;
  const watchdog = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, limit);
  try {
    const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const printed = (text: string): Promise<void> =>
      eventually(() => stdout.includes(text) || child.exitCode !== null, limit, `it prints ${text}`);
    const during = options.during?.({ pid: child.pid ?? 0, stdout: () => stdout, printed });
    const [[code, signal]] = await Promise.all([exit, during]);
    const ms = performance.now() - startedMs;
    if (late) throw new Error(`The program did not end within ${limit} ms.\n${stdout}\n${stderr}`);
    await eventually(() => marked(mark).length === 0, 1_000).catch(() => {
      const left = marked(mark).map((pid) => `${pid}: ${commandOf(pid)}`);
      throw new Error(`Processes of the program are alive a second after its end:\n${left.join('\n')}\n${stderr}`);
    });
    await closed;
    // What a killed program left behind is swept up by the next one.
    if (signal === null && child.pid !== undefined && filesOf(child.pid).length > 0)
      throw new Error(`The program left files behind: ${filesOf(child.pid).join(', ')}`);
    return { code, signal, stdout, stderr, ms };
  } finally {
    clearTimeout(watchdog);
    killAll(marked(mark));
    if (own !== undefined) rmSync(own, { force: true });
  }
}

/** Lines in front of a script: it runs as where koffi cannot be had. */
export const withoutKoffi = `
process.dlopen = () => { throw new Error('no addons here'); };
const { default: Module } = await import('node:module');
const load = Module._load;
Module._load = (name, ...rest) => {
  if (name === 'koffi') throw new Error('not installed');
  return load(name, ...rest);
};
`;

/** Again and again, as who sits at the terminal does: one that comes just before the program blocks is not heard. */
export async function interruptUntilItEnds({ printed, pid }: RunningScript): Promise<void> {
  await printed('blocked');
  await eventually(() => {
    try {
      process.kill(pid, 'SIGINT');
      return false;
    } catch {
      return true;
    }
  });
}
