// Not a program of the tutorial: lets the programs check what they have printed, their workers' lines included.

/** The lines that this program prints to stdout from now on; the list grows as they come. */
export function transcript(): string[] {
  const lines: string[] = [];
  const { stdout } = process;
  const write = stdout.write.bind(stdout) as (...args: unknown[]) => boolean;
  let rest = '';
  stdout.write = (...args: unknown[]): boolean => {
    const parts = (rest + String(args[0])).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    return write(...args);
  };
  return lines;
}
