// Not `performance.now()`: it has another origin in each process and thread, and to ask for `performance` loads for 0.8 ms.
const { hrtime } = process;

/** Milliseconds on the clock that all processes and threads of this machine share; it is never set back. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
