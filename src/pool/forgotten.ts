import type { Backend } from './backend.ts';
import { callSite, shortSite } from './call-site.ts';

interface Entry {
  readonly backend: Backend;
  /** What is said about it; an executor may be dropped without a word, as in Python. */
  readonly warning: string | undefined;
}

const registry = new FinalizationRegistry<Entry>(({ backend, warning }) => {
  if (backend.engine.state !== 'running') return;
  if (warning !== undefined) process.emitWarning(warning, 'ResourceWarning');
  // What was submitted is still done: its results may be awaited by somebody who has no use for the pool.
  backend.engine.close();
});

/** Ends the workers of a pool that is collected before it was closed, and says so. Returns how to revoke that. */
export function forgetMeNot(pool: object, backend: Backend, name: string | undefined): () => void {
  const site = shortSite(callSite());
  const made = site === undefined ? '' : `, made at ${site},`;
  const what = `${name === undefined ? 'A pool' : `The pool ${JSON.stringify(name)}`}${made}`;
  const advice = 'Use `await using`, or Pool.use().';
  return closeWhenForgotten(pool, backend, `${what} was dropped without close() or terminate(). ${advice}`);
}

/** Lets the workers of what is collected finish their work, then end. Returns how to revoke that. */
export function closeWhenForgotten(owner: object, backend: Backend, warning?: string): () => void {
  const token = {};
  registry.register(owner, { backend, warning }, token);
  return () => registry.unregister(token);
}
