/**
 * Which of the host's Node options its workers get. Dropped is what would run the user's program again (`-e`, `--import`,
 * `--require`), clash (`--inspect`, a port), or belongs to the host's way of running (`--test`, `--watch`, profiles). A
 * TypeScript loader among the dropped is registered in the worker when it first loads a module: at start it would cost
 * hundreds of milliseconds each.
 */
const withValue = new Set([
  '-e',
  '--eval',
  '-p',
  '--print',
  '-pe',
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '--input-type',
  '--experimental-default-type',
  '--watch-path',
  '--test-name-pattern',
  '--test-reporter',
  '--test-reporter-destination',
  '--test-concurrency',
  '--test-timeout',
  '--inspect-port',
  '--debug-port',
  '--cpu-prof-dir',
  '--cpu-prof-name',
  '--cpu-prof-interval',
  '--heap-prof-dir',
  '--heap-prof-name',
  '--title',
  '--heap-prof-interval',
  '--diagnostic-dir',
  '--redirect-warnings',
  '--env-file',
  '--build-snapshot-config',
]);
const dropped =
  /^(?:-i|--interactive|-c|--check|--inspect.*|--debug.*|--watch.*|--test.*|--experimental-test.*|--cpu-prof.*|--heap-prof.*|--prof|--build-snapshot|--expose-internals|--abort-on-uncaught-exception|--trace-event.*)$/;
/** Options of V8 and of the process as a whole, which a thread cannot have for itself. */
const processWide =
  /^(?:--max[-_]|--stack[-_]|--harmony|--expose[-_]gc|--jitless|--title|--no-opt|--allow-natives|--v8|--single-threaded|--disable-proto|--secure-heap|--openssl|--use-|--icu-|--report-|--frozen-intrinsics|--tls-|--(?:no-)?node-snapshot|--permission|--allow-|--experimental-permission|--disallow-code-generation)/;

export function filterExecArgv(execArgv: readonly string[], kind: 'process' | 'thread'): string[] {
  const kept: string[] = [];
  for (let i = 0; i < execArgv.length; i++) {
    const option = execArgv[i]!;
    const name = option.split('=', 1)[0]!;
    if (withValue.has(name)) {
      if (name === option && i + 1 < execArgv.length) i++;
    } else if (!option.startsWith('-')) {
      kept.push(option);
    } else if (!dropped.test(name) && !(kind === 'thread' && processWide.test(name))) {
      kept.push(option);
    }
  }
  return kept;
}

/**
 * The options that are left when Node refused some for a thread. Which a thread can have for itself differs between
 * versions, and a test runner may pass all there are; the error names those that are refused.
 */
export function acceptedExecArgv(execArgv: readonly string[], refusal: unknown): string[] | undefined {
  if (!(refusal instanceof Error) || Reflect.get(refusal, 'code') !== 'ERR_WORKER_INVALID_EXEC_ARGV') return undefined;
  const accepted = execArgv.filter((option) => !refusal.message.includes(option));
  return accepted.length < execArgv.length ? accepted : undefined;
}

/** The environment of a worker: without what would make it another program, or a part of the host's own measuring. */
export function filterEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS, NODE_CHANNEL_FD: _, NODE_V8_COVERAGE: __, ...rest } = env;
  // A thread would get the word "undefined".
  for (const name in rest) if (rest[name] === undefined) delete rest[name];
  return NODE_OPTIONS === undefined ? rest : { ...rest, NODE_OPTIONS: filterNodeOptions(NODE_OPTIONS) };
}

/** NODE_OPTIONS for a worker: the same rules. */
export function filterNodeOptions(options: string): string {
  const words = options.match(/(?:[^\s"]|"(?:\\.|[^"\\])*")+/g) ?? [];
  return filterExecArgv(words, 'process').join(' ');
}
