/** Runs code of the user's. What it throws is reported as uncaught: it must not stop the pool. */
export function guarded(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}
