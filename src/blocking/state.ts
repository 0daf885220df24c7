let blocked = false;
let obstacle: Error | undefined;

/** Whether this thread is blocked: no promise reaction and nothing that takes the event loop happens before that is over. */
export function isBlocked(): boolean {
  return blocked;
}

/** Ends the present wait with an error: what it waits for takes the event loop. */
export function impede(error: Error): void {
  obstacle ??= error;
}

/** Why the present wait must end. */
export function impediment(): Error | undefined {
  return obstacle;
}

/** Notes that this thread is blocked from now on, or no more; returns what it was before. */
export function noteBlocked(now: boolean): boolean {
  const before = blocked;
  blocked = now;
  obstacle = undefined;
  return before;
}
