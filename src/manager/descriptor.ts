import type { Server, Socket } from 'node:net';

/** The number of a socket's descriptor; undefined where Node does not tell, and for one that is closed. */
export function descriptorOf(socket: Server | Socket): number | undefined {
  const handle = Reflect.get(socket, '_handle') as { readonly fd?: unknown } | null | undefined;
  const fd = handle?.fd;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}
