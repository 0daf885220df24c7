let depth = 0;

/** Hands over what has come from a worker, or what is due. Code of the user's that it calls cannot block: see `blockUntil`. */
export function deliver(body: () => void): void {
  depth++;
  try {
    body();
  } finally {
    depth--;
  }
}

export function isDelivering(): boolean {
  return depth > 0;
}
