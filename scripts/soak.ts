// Opens and closes many pools, one after the other, and looks for what grows: `npm run soak [-- pools]`. Exits with 1 when something does.
import { soak, soakKinds } from '../test/soak/soak.ts';

const pools = Number(process.argv[2] ?? 1_000);
let failed = 0;
for (const kind of Object.keys(soakKinds) as (keyof typeof soakKinds)[]) {
  const started = performance.now();
  const { left, slopeBytes, heapSlopeBytes } = await soak(kind, pools);
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  const kb = (bytes: number): string => `${(bytes / 1_024).toFixed(2)} KB`;
  console.log(
    `${kind}: ${pools} pools in ${seconds} s, memory ${kb(slopeBytes)} each (heap ${kb(heapSlopeBytes)}), left: ${left.length === 0 ? 'nothing' : left.join('; ')}`,
  );
  if (left.length > 0 || slopeBytes > 5 * 1_024) failed++;
}
process.exitCode = failed > 0 ? 1 : 0;
