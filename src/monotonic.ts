// `hrtime` has one origin for all processes and threads of a machine; `performance.now()` is cheaper and has not.
const [seconds, nanoseconds] = process.hrtime();
const offsetMs: number = seconds * 1e3 + nanoseconds / 1e6 - performance.now();

/** Milliseconds on the clock that all processes and threads of this machine share; it is never set back. */
export function monotonicMs(): number {
  return performance.now() + offsetMs;
}
