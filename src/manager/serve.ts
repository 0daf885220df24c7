import { AuthKey } from './auth-key.ts';
import { Server, type ServerSetup } from './server.ts';

/** What the process of a server is told, over its own channel. */
export interface ServeOptions extends Omit<ServerSetup, 'key' | 'fd' | 'onEnd'> {
  readonly key: Uint8Array;
}

/** The socket that the program has opened is this process's standard input. */
const listening = 0;

/** What the process of a started manager runs. */
export async function serve(
  { key, ...setup }: ServeOptions,
  initializer: ((...args: unknown[]) => unknown) | undefined,
  initArgs: readonly unknown[],
): Promise<void> {
  // Ctrl-C is the program's to handle.
  process.on('SIGINT', () => {});
  await initializer?.(...initArgs);
  await new Server({ ...setup, key: new AuthKey(key), fd: listening }).serveForever();
}
