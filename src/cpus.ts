import { readFileSync } from 'node:fs';
import { checkCount, show } from './arguments.ts';
import { ArgumentRangeError, ArgumentTypeError, ManycoreError } from './errors.ts';
import { loadNative } from './native.ts';

/** Checks the numbers of the cores that something is to run on. */
export function checkCpus(cpus: unknown, what = 'cpus'): void {
  if (!Array.isArray(cpus))
    throw new ArgumentTypeError(`Cannot use ${what} ${show(cpus)}: expected a list of numbers.`);
  if (process.platform !== 'linux' || loadNative() === undefined)
    throw new ManycoreError(`Cannot use ${what} here: choosing cores takes Linux and koffi.`);
  if (cpus.length === 0) throw new ArgumentRangeError(`Cannot use ${what} []: a process needs a core to run on.`);
  const online = onlineCpus();
  for (const cpu of cpus as readonly unknown[]) {
    checkCount(what, cpu, 0, 65_535);
    if (online !== undefined && !online.some(([first, last]) => (cpu as number) >= first && (cpu as number) <= last))
      throw new ArgumentRangeError(
        `Cannot use core ${String(cpu)} in ${what}: this machine has ${online.map((range) => [...new Set(range)].join('-')).join(', ')}.`,
      );
  }
}

/** The ranges of the cores that are there; undefined when the kernel does not say. */
function onlineCpus(): (readonly [first: number, last: number])[] | undefined {
  try {
    const text = readFileSync('/sys/devices/system/cpu/online', 'latin1').trim();
    return text.split(',').map((range) => {
      const [first, last = first] = range.split('-').map(Number);
      return [first!, last!] as const;
    });
  } catch {
    return undefined;
  }
}
