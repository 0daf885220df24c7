/**
 * The records of which a frame's body consists, each an op byte and its fields. A frame is processed in order; definitions
 * come before what uses them.
 */
export const ToWorker = {
  /** worker id, place in the pool, nesting, concurrency (0: a Process, and nothing follows), main program, has finalizer, [finalizer message], has initializer, [initializer message, arguments message] */
  boot: 1,
  /** number, plain data */
  define: 2,
  /** number, 1 when it is the same however often it is decoded, length of the message (u32), message */
  function: 3,
  /** number */
  forget: 4,
  /** function, call, sequence, count, first task id, attempt, flags, column of arguments, [count, attachments that are sockets] */
  run: 5,
  /** sequence, 1 when its time is over (0: the caller gave it up) */
  cancel: 6,
  close: 7,
  /** information, instance of a subclass or undefined, has target, [target message, arguments message]: the worker is a Process */
  process: 8,
  /** To a thread, in place of SIGINT. */
  interrupt: 9,
} as const;

export const ToHost = {
  /** pid, whether the status page is in shared memory, milliseconds of the initializer (double) */
  ready: 1,
  define: 2,
  /** sequence, count, milliseconds (double), column of results */
  succeeded: 3,
  /** sequence, 1 when it could not be sent, milliseconds, error */
  failed: 4,
  /** 1 or 2 (stdout or stderr), text */
  output: 5,
  /** 1 when it failed a task, error: nobody caught it. */
  uncaught: 6,
  /** The initializer's error. */
  bootFailed: 7,
  /** sequence, done, total */
  progress: 8,
  /** sequence: the item begins, and has the sockets that came with it */
  received: 9,
  /** 1 when it failed, error or result: of the finalizer */
  finalized: 10,
} as const;

export const RunFlag = {
  /** The arguments are a list to be spread. */
  spread: 1,
  /** The items stay together: they begin at once. */
  whole: 2,
  /** The start of each item is written down, for a timeout. */
  timed: 4,
  /** Each item is a call of its own, with captured values of its own. */
  separate: 8,
  /** There is one item, and sockets come with it. */
  sockets: 16,
} as const;
