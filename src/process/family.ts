import { killGraceMs, longestTimerMs } from '../limits.ts';
import type { Holder } from '../program/holder.ts';
import { programEnd } from '../program/index.ts';
import type { Child } from './child.ts';

/** Those of this thread that were started and have not ended, by their Process. */
const children = new Map<object, { readonly child: Child; readonly daemon: boolean }>();
let holds = 0;
let timer: NodeJS.Timeout | undefined;
let listening = false;

/** Keeps the program alive until the function returned is called. One timer serves all. */
export function hold(): () => void {
  let held = true;
  if (holds++ === 0) timer = setInterval(() => {}, longestTimerMs);
  return () => {
    if (!held) return;
    held = false;
    if (--holds === 0) clearInterval(timer);
  };
}

/** The children as the program's end sees them. After a crash of the program the kernel sees to them. */
const holder: Holder = {
  unfinished: () => ({
    running: 0,
    waiting: 0,
    call: undefined,
    processes: [...children.values()].map(({ child }) => child.name),
  }),
  interrupt: () => each((child) => child.kill('SIGTERM')),
  suspend: (suspended) => each((child) => child.suspend(suspended)),
  destroy: () => each((child) => child.destroy()),
};

function each(action: (child: Child) => void): void {
  for (const { child } of children.values()) action(child);
}

/** Takes a child up. It is forgotten when it has ended. */
export function adopt(owner: object, child: Child, daemon: boolean): void {
  if (!listening) {
    listening = true;
    process.on('beforeExit', endDaemons);
    programEnd.join(holder);
  }
  children.set(owner, { child, daemon });
  programEnd.busy(holder, true);
  const release = daemon ? undefined : hold();
  void child.ended.finally(() => {
    children.delete(owner);
    if (children.size === 0) programEnd.busy(holder, false);
    release?.();
  });
}

/** The Processes that run now. */
export function living(): object[] {
  return [...children.keys()];
}

/** The program has nothing more to do: daemons are asked to end, then made to, and waited for. */
function endDaemons(): void {
  for (const { child, daemon } of children.values()) {
    if (!daemon) continue;
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), killGraceMs);
    const release = hold();
    void child.ended.finally(() => {
      clearTimeout(kill);
      release();
    });
  }
}
