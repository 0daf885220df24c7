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

/** The event loop has come round: nothing is being delivered, whatever became of it. */
export function endDelivery(): void {
  depth = 0;
}

export function isDelivering(): boolean {
  return depth > 0;
}
