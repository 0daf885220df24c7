// Opens and closes many pools, one after the other, and looks for what grows: `npm run soak [-- pools]`. Exits with 1 when something does.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { soak, soakKinds } from '../test/soak/soak.ts';

const SLOPE_BYTES_MAX = 5 * 1_024;

const [pools = '1000', kind] = process.argv.slice(2);
if (kind === undefined) {
  // Each in a process of its own: memory that one kind has left to the allocator would hide what the next one takes.
  for (const each of Object.keys(soakKinds)) {
    const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), pools, each], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
} else {
  const startedMs = performance.now();
  const { left, slopeBytes, heapSlopeBytes } = await soak(kind as keyof typeof soakKinds, Number(pools));
  const kb = (bytes: number): string => `${(bytes / 1_024).toFixed(2)} KB`;
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  const memory = `memory ${kb(slopeBytes)} each, of it heap ${kb(heapSlopeBytes)}`;
  console.log(`${kind}: ${pools} pools in ${seconds} s, ${memory}, left: ${left.join('; ') || 'nothing'}`);
  if (left.length > 0 || slopeBytes > SLOPE_BYTES_MAX) process.exitCode = 1;
}
