import type { Backend } from './backend.ts';

const registry = new FinalizationRegistry<{ readonly backend: Backend; readonly name: string | undefined }>(
  ({ backend, name }) => {
    if (backend.engine.state !== 'running') return;
    const what = name === undefined ? 'A pool' : `The pool ${JSON.stringify(name)}`;
    process.emitWarning(
      `${what} was dropped without close() or terminate(). Use \`await using\`, or Pool.use().`,
      'ResourceWarning',
    );
    // What was submitted is still done: its results may be awaited by somebody who has no use for the pool.
    backend.engine.close();
  },
);

/** Ends the workers of a pool that is collected before it was closed, and says so. Returns how to revoke that. */
export function forgetMeNot(pool: object, backend: Backend, name: string | undefined): () => void {
  const token = {};
  registry.register(pool, { backend, name }, token);
  return () => registry.unregister(token);
}
