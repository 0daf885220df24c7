import { killGraceMs } from '../limits.ts';
import { atExit } from '../pool/at-exit.ts';
import type { Child } from './child.ts';

/** Those of this thread that were started and have not ended, by their Process. */
const children = new Map<object, { readonly child: Child; readonly daemon: boolean }>();
let holds = 0;
let timer: NodeJS.Timeout | undefined;
let listening = false;

/** Keeps the program alive until the function returned is called. One timer serves all. */
export function hold(): () => void {
  let held = true;
  if (holds++ === 0) timer = setInterval(() => {}, 2 ** 31 - 1);
  return () => {
    if (!held) return;
    held = false;
    if (--holds === 0) clearInterval(timer);
  };
}

/** Takes a child up. It is forgotten when it has ended. */
export function adopt(owner: object, child: Child, daemon: boolean): void {
  if (!listening) {
    listening = true;
    process.on('beforeExit', endDaemons);
    // The program ends without asking. A crash does not come here: then the kernel sees to the children.
    atExit(() => {
      for (const each of children.values()) each.child.destroy();
    });
  }
  children.set(owner, { child, daemon });
  const release = daemon ? undefined : hold();
  void child.ended.finally(() => {
    children.delete(owner);
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
