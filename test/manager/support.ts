import { strict as assert } from 'node:assert';
import { Manager, Process } from 'manycore';
import type { Server } from 'manycore/managers';
import type { ManagerOptions } from 'manycore/managers';
import { testClean, type Context, type TestOptions } from '../matrix.ts';

export const authKey: Buffer = Buffer.alloc(32, 7);

/** A test with a started manager, which is shut down afterwards; nothing may be left. */
export function testManager(name: string, body: (manager: Manager) => Promise<void>, options: TestOptions = {}): void {
  testClean(name, options, async () => {
    await using manager = new Manager();
    await body(manager);
  });
}

/** A test with a server in this process and a client of it. */
export function testServer(
  name: string,
  options: ManagerOptions & { readonly manager?: typeof Manager; readonly limit?: number },
  body: (client: Manager, server: Server) => Promise<void>,
): void {
  const { manager: Class = Manager, limit, ...rest } = options;
  testClean(name, limit === undefined ? {} : { limit }, async () => {
    await using server = new Class({ authKey, ...rest }).getServer();
    await server.start();
    const { tls, insecure } = rest;
    await using client = await Class.connect(server.address, {
      authKey,
      ...(tls !== undefined && { tls }),
      ...(insecure !== undefined && { insecure }),
    });
    await body(client, server);
  });
}

/** Runs a function in a child, which must end well. */
export async function runIn<A extends readonly unknown[] | []>(
  context: Context,
  target: (...args: [...A]) => unknown,
  args: A,
): Promise<void> {
  const child = new Process<A>({ target, args, context });
  child.start();
  await child.join();
  assert.equal(child.exitCode, 0);
}
