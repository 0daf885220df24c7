/** The harness's end of a driver: starts it, asks it, and kills it when it does not answer in time. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { alive, cpuMs, descendants } from './processes.mjs';

const javascript = fileURLToPath(new URL('../drivers/main.mjs', import.meta.url));
const python = fileURLToPath(new URL('../drivers/python_driver.py', import.meta.url));
const startLimitMs = 20_000;
const running = new Set();

/** The environment of every side: what slows the start of node or changes it is out, for all alike. */
export function environment() {
  const env = { ...process.env };
  for (const name of ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'NODE_V8_COVERAGE', 'NODE_COMPILE_CACHE'])
    delete env[name];
  return env;
}

export class HungError extends Error {}

/** What tells a loop from a wait for ever, and both from a machine that stood still. */
function describeHung(pid, limitMs, beforeMs, startedMs) {
  const cpu = ((totalCpuMs(pid) - beforeMs) / 1000).toFixed(1);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  return `hung: no answer within ${limitMs / 1000} s; after ${seconds} s it has taken ${cpu} s of CPU time`;
}

function totalCpuMs(pid) {
  let total = 0;
  for (const each of [pid, ...descendants(pid)]) total += cpuMs(each) ?? 0;
  return total;
}

export class Driver {
  #child;
  #waiting;
  #stderr = '';
  #exit;

  constructor(command, args) {
    // Its own process group, so that its workers die with it.
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: environment() });
    running.add(this);
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.on('data', (chunk) => (this.#stderr = (this.#stderr + chunk).slice(-4_000)));
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      if (line.startsWith('@bench ')) this.#settle((waiting) => waiting.resolve(JSON.parse(line.slice(7))));
    });
    this.#exit = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(`did not start: ${error.message}`));
      this.#child.on('exit', (code, signal) => resolve(`ended with ${signal ?? code}`));
    });
    void this.#failOnExit();
  }

  static async serve(side) {
    const driver = side.python
      ? new Driver('python3', [python, 'serve', side.options.kind])
      : new Driver(process.execPath, [javascript, 'serve', side.name]);
    const { error } = await driver.answer(startLimitMs);
    if (error) {
      driver.kill();
      throw new Error(error);
    }
    return driver;
  }

  static once(side, scenario, params, nodeFlags = []) {
    return side.python
      ? new Driver('python3', [python, 'once', side.options.kind, scenario, JSON.stringify(params)])
      : new Driver(process.execPath, [...nodeFlags, javascript, 'once', side.name, scenario, JSON.stringify(params)]);
  }

  static shared(sides, scenario, params) {
    const names = sides.map(({ name }) => name);
    return new Driver(process.execPath, [javascript, 'shared', scenario, JSON.stringify(params), ...names]);
  }

  ask(request, limitMs) {
    const answer = this.answer(limitMs);
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return answer;
  }

  /** The next answer; kills the driver if there is none in time. */
  answer(limitMs) {
    const { pid } = this.#child;
    const [beforeMs, startedMs] = [totalCpuMs(pid), performance.now()];
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const text = describeHung(pid, limitMs, beforeMs, startedMs);
        this.kill();
        this.#settle((waiting) => waiting.reject(new HungError(text)));
      }, limitMs);
      this.#waiting = { resolve, reject, timer };
    });
  }

  /** How long the driver takes to end by itself, or what it leaves behind. */
  async exitMs(limitMs) {
    this.#child.stdin.end();
    const workers = descendants(this.#child.pid);
    const start = performance.now();
    const timer = setTimeout(() => this.kill(), limitMs);
    await this.#exit;
    clearTimeout(timer);
    const ms = performance.now() - start;
    if (ms >= limitMs) return 'no';
    await new Promise((resolve) => setTimeout(resolve, 300));
    return workers.some(alive) ? 'leaves processes' : ms;
  }

  kill() {
    running.delete(this);
    // Some pools put their processes into groups of their own.
    const pids = this.#child.pid ? descendants(this.#child.pid) : [];
    for (const pid of [-(this.#child.pid ?? 0), ...pids]) {
      try {
        if (pid) process.kill(pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    }
  }

  async #failOnExit() {
    const how = await this.#exit;
    const last = this.#stderr.trim().split('\n').at(-1);
    this.#settle((waiting) => waiting.reject(new Error(last ? `${how}: ${last}` : how)));
  }

  #settle(how) {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    clearTimeout(waiting?.timer);
    if (waiting) how(waiting);
  }
}

export function killAll() {
  for (const driver of running) driver.kill();
}
