/** The program around us: its end, and the time that it was stopped. */
import { writeSync } from 'node:fs';
import { monotonicMs } from '../monotonic.ts';
import { ProgramEnd } from './end.ts';

export const programEnd: ProgramEnd = new ProgramEnd({
  process,
  now: monotonicMs,
  print(text) {
    try {
      // The terminal has shown ^C.
      writeSync(2, process.stderr.isTTY ? `\n${text}` : text);
    } catch {
      // Nobody reads it any more.
    }
  },
});
