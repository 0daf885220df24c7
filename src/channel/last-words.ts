/** The end of what a worker wrote to stderr: often it says why it died. */
export class LastWords {
  #tail = '';
  /** V8's report goes on for more lines than are kept. */
  #fatal = '';
  protocolError: Error | undefined;

  push(chunk: Buffer): void {
    const text = this.#tail + chunk.toString('utf8');
    this.#fatal ||= /^.*FATAL ERROR.*$/m.exec(text)?.[0] ?? '';
    this.#tail = text.slice(-2_000);
  }

  summary(exitCode: number | null, signal: string | null): { readonly lastWords: string; readonly oomHint: boolean } {
    const words = `${this.#fatal}
${this.#tail}`.trim();
    const heap = /heap out of memory|Allocation failed/.test(words);
    // V8 aborts when its heap is full.
    const oomHint =
      heap &&
      (signal === 'SIGABRT' || signal === 'SIGTRAP' || signal === 'SIGILL' || exitCode === 134 || signal === null);
    return { lastWords: words, oomHint };
  }
}
