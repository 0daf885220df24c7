/** Runs `body` with something that it disposes of afterwards. */
export async function use<E extends AsyncDisposable, R>(
  executor: E,
  body: (executor: E) => R | Promise<R>,
): Promise<Awaited<R>> {
  try {
    return await body(executor);
  } finally {
    await executor[Symbol.asyncDispose]();
  }
}
