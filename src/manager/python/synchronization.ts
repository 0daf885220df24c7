import { LockStateError, QueueTaskError } from '../../errors.ts';
import { queueEmpty, queueFull } from '../../waiting.ts';
import { checkDelay } from '../objects/call.ts';
import { isRaised } from './errors.ts';
import type { Lane } from './lane.ts';
import { type Ask, type MethodCall, notYet, unlessRaised } from './method-call.ts';
import type { Method, Methods } from './methods.ts';

/** What a LockGrant is made of. Python has no tokens, and tells nobody that the holder before has died. */
const grant = [0, false] as const;

/** A lock cannot be asked for with a time to wait of zero. */
async function acquired(ask: Ask, seconds: number): Promise<typeof grant | typeof notYet> {
  const got = seconds === 0 ? await ask('acquire', false) : await ask('acquire', true, seconds);
  return got === true ? grant : notYet;
}

const orNothing = <T>(outcome: T | typeof notYet): T | undefined => (outcome === notYet ? undefined : outcome);

/** Python says by errors of a general class that something is not in the state for a call. */
function stateful(method: Method, State: typeof LockStateError | typeof QueueTaskError): Method {
  return async (on, ...args) => {
    try {
      return await method(on, ...args);
    } catch (error) {
      if (!isRaised(error, 'RuntimeError', 'ValueError')) throw error;
      throw new State((error as Error).message, { cause: error });
    }
  };
}

function ofLock(methods: Methods): Methods {
  return Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, stateful(method, LockStateError)]));
}

/** Any thread may release it. */
export const lock: Methods = ofLock({
  acquire: async (on, timeout) => orNothing(await on.wait(timeout, acquired)),
  async release(on) {
    await on.ask('release');
  },
  locked: (on) => on.ask('locked'),
});

/** It belongs to a thread of the server, that is to a connection: the one that has it does all that needs it. */
async function acquireOwned(on: MethodCall, timeout: unknown, isReentrant: boolean): Promise<typeof grant | undefined> {
  const { reference } = on;
  const outcome = await on.retry(timeout, async (seconds) => {
    const { holding } = reference;
    if (isReentrant && holding !== undefined) {
      holding.times++;
      return acquired(on.on(holding.lane), 0);
    }
    const lane = await on.take();
    let got: typeof grant | typeof notYet = notYet;
    try {
      got = await acquired(on.on(lane), seconds);
    } finally {
      if (got === notYet) on.giveBack(lane);
      else reference.holding = { lane, times: 1 };
    }
    return got;
  });
  return orNothing(outcome);
}

async function releaseOwned(on: MethodCall): Promise<void> {
  const { reference } = on;
  const { holding } = reference;
  // The server says what is wrong with that.
  if (holding === undefined) return void (await on.ask('release'));
  // Before the server is told: others may have it right after.
  const isLast = --holding.times === 0;
  if (isLast) reference.holding = undefined;
  try {
    await on.on(holding.lane)('release');
  } finally {
    if (isLast) on.giveBack(holding.lane);
  }
}

export const rlock: Methods = ofLock({
  acquire: (on, timeout) => acquireOwned(on, timeout, true),
  release: releaseOwned,
});

/** By who has the lock, if anybody here has. */
function asHolder(on: MethodCall): Ask {
  const lane: Lane | undefined = on.reference.holding?.lane;
  return lane === undefined ? on.ask : on.on(lane);
}

export const condition: Methods = ofLock({
  acquire: (on, timeout) => acquireOwned(on, timeout, false),
  release: releaseOwned,
  async wait(on, timeout) {
    const { reference } = on;
    const { holding } = reference;
    if (holding === undefined) return on.ask('wait', 0);
    const ask = on.on(holding.lane);
    // It is given up while it waits, so somebody else here may get it.
    const outcome = await on.retry(timeout, async (seconds) => {
      reference.holding = undefined;
      try {
        return (await ask('wait', seconds)) === true ? true : notYet;
      } finally {
        reference.holding = holding;
      }
    });
    return outcome === true;
  },
  async notify(on, count = 1) {
    await asHolder(on)('notify', count);
  },
  async notifyAll(on) {
    await asHolder(on)('notify_all');
  },
});

export const event: Methods = {
  isSet: (on) => on.ask('is_set'),
  async set(on) {
    await on.ask('set');
  },
  async clear(on) {
    await on.ask('clear');
  },
  async wait(on, timeout) {
    const outcome = await on.wait(timeout, async (ask, seconds) =>
      (await ask('wait', seconds)) === true ? true : notYet,
    );
    return outcome === true;
  },
};

export const barrier: Methods = {
  wait(on, timeout) {
    const timeoutMs = checkDelay(timeout);
    return on.askAside('wait', ...(timeoutMs === undefined ? [] : [timeoutMs / 1_000]));
  },
  async reset(on) {
    await on.ask('reset');
  },
  async abort(on) {
    await on.ask('abort');
  },
  parties: (on) => on.ask('__getattribute__', 'parties'),
  nWaiting: (on) => on.ask('__getattribute__', 'n_waiting'),
  broken: (on) => on.ask('__getattribute__', 'broken'),
};

export const queue: Methods = {
  async put(on, item, timeout) {
    const outcome = await on.wait(timeout, (ask, seconds) =>
      unlessRaised(seconds === 0 ? ask('put', item, false) : ask('put', item, true, seconds), 'Full'),
    );
    if (outcome === notYet) throw queueFull(0, checkDelay(timeout) ?? 0);
  },
  async get(on, timeout) {
    const outcome = await on.wait(timeout, (ask, seconds) =>
      unlessRaised(seconds === 0 ? ask('get', false) : ask('get', true, seconds), 'Empty'),
    );
    if (outcome === notYet) throw queueEmpty(checkDelay(timeout) ?? 0);
    return outcome;
  },
  qsize: (on) => on.ask('qsize'),
  empty: (on) => on.ask('empty'),
  full: (on) => on.ask('full'),
  taskDone: stateful((on) => on.ask('task_done'), QueueTaskError),
  async join(on, timeout) {
    return (await on.outlast<unknown>(timeout, false, 'join')) !== false;
  },
};
