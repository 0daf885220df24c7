/** V8's message about a full heap is followed by a native stack of up to some ten thousand characters. */
const tailLength = 16_000;

/** The end of what a worker wrote to stderr: often it says why it died. */
export class LastWords {
  #tail = '';
  protocolError: Error | undefined;

  push(chunk: Buffer): void {
    this.#tail = (this.#tail + chunk.toString('utf8')).slice(-tailLength);
  }

  summary(exitCode: number | null, signal: string | null): { readonly lastWords: string; readonly oomHint: boolean } {
    const heap = /heap out of memory|Allocation failed/.test(this.#tail);
    // V8 aborts when its heap is full; SIGKILL out of the blue is what the kernel's OOM killer sends.
    const oomHint =
      heap &&
      (signal === 'SIGABRT' || signal === 'SIGTRAP' || signal === 'SIGILL' || exitCode === 134 || signal === null);
    return { lastWords: this.#tail.trim(), oomHint };
  }
}
