import { BlockingError } from '../errors.ts';

let blocked = false;
let obstacle: Error | undefined;
let heldUp = 0;

/** Whether this thread is blocked: no promise reaction and nothing that takes the event loop happens before that is over. */
export function isBlocked(): boolean {
  return blocked;
}

/** Ends the present wait with an error: what it waits for takes the event loop. */
export function impede(error: Error): void {
  obstacle ??= error;
}

/** Messages are held up by a module that is being loaded, or no more. */
export function holdUp(held: boolean): void {
  heldUp += held ? 1 : -1;
}

/** Why the present wait must end. */
export function impediment(): Error | undefined {
  if (obstacle === undefined && heldUp > 0)
    return new BlockingError(
      'Cannot block: a module is being loaded that what came from a worker needs. Await the result.',
    );
  return obstacle;
}

/** Notes that this thread is blocked from now on, or no more; returns what it was before. */
export function noteBlocked(now: boolean): boolean {
  const before = blocked;
  blocked = now;
  obstacle = undefined;
  return before;
}
