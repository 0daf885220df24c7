let guarded = false;

/** Prints what a worker printed, on our own stdout or stderr: a progress bar that is shown makes room for it. */
export function writeOutput(fd: 1 | 2, text: string): void {
  if (!guarded) {
    guarded = true;
    // A reader that went away must not end the pool: only the text is lost.
    process.stdout.on('error', ignore);
    process.stderr.on('error', ignore);
  }
  (fd === 1 ? process.stdout : process.stderr).write(text);
}

function ignore(): void {}
