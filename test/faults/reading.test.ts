/** What goes wrong while arguments are read in a worker, or results in the host. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PoisonTaskError } from 'manycore';
import { both, processes, scenario } from './support.ts';

/** A module of a class, which can be changed after it was loaded here, so that others load something else. */
async function inModule(body: (path: string, url: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'faults-reading-'));
  try {
    const path = join(folder, 'changes.mjs');
    writeFileSync(path, 'export class Changes { value = 1; }');
    await body(path, pathToFileURL(path).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const endings = {
  'process.exit': 'process.exit(7)',
  SIGSEGV: 'process.kill(process.pid, "SIGSEGV"); for (;;);',
} as const;

for (const [how, code] of Object.entries(endings)) {
  scenario(
    `${how} while the arguments are read: that task alone fails, before and after it all is done (A12, C20, Q397, Q410)`,
    { workers: 1, contexts: how === 'SIGSEGV' ? processes : both },
    async ({ pool, submit }) => {
      await inModule(async (path, url) => {
        const { Changes } = (await import(url)) as { Changes: new () => { value: number } };
        writeFileSync(path, code);
        let exits = 0;
        pool.on('workerExit', () => exits++);
        const before = submit((n) => n * n, [3]);
        const bad = submit((changes) => changes.value, [new Changes()]);
        const after = Array.from({ length: 20 }, (_, i) => submit((n) => n * n, [i]));
        const error = await bad.error();
        assert.ok(error instanceof PoisonTaskError, error.stack);
        assert.match(error.message, /has ended 3 workers, each while it read the function or its arguments/);
        assert.equal(await before.result, 9);
        for (const [i, { result }] of after.entries()) assert.equal(await result, i * i);
        assert.equal(exits, 3);
      });
    },
  );

  scenario(
    `${how} while the function is read: so does that call alone (A12, C20)`,
    { workers: 1, contexts: how === 'SIGSEGV' ? processes : both },
    async ({ submit }) => {
      await inModule(async (path, url) => {
        const { Changes } = (await import(url)) as { Changes: new () => object };
        writeFileSync(path, code);
        const good = submit((n) => n + 1, [1]);
        const bad = submit(() => new Changes(), []);
        assert.ok((await bad.error()) instanceof PoisonTaskError);
        assert.equal(await good.result, 2);
      });
    },
  );
}

scenario(
  'a result that cannot be read here fails its task alone, in a batch too (A12, Q402)',
  { workers: 1 },
  async ({ pool, submit }) => {
    await inModule(async (path, url) => {
      /** Its class is in a module that cannot be loaded any more. */
      async function made(i: number, file: string, at: string): Promise<unknown> {
        if (i !== 1) return i;
        const { Changes } = (await import(at)) as { Changes: new () => object };
        const { writeFileSync: write } = await import('node:fs');
        write(file, 'throw new Error("not here")');
        return new Changes();
      }
      const alone = submit(made, [1, path, url]);
      assert.match((await alone.error()).message, /not here/);
      const batch = await pool.mapSettled((i: number) => made(i, path, url), [0, 1, 2, 3], { chunkSize: 4 });
      assert.deepEqual(
        batch.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
      );
      assert.equal(await submit((n) => n * n, [3]).result, 9);
    });
  },
);
