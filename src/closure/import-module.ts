import { unbrokenAsync } from '../unbroken.ts';
import { registry } from './registry.ts';

/** `import()` of a URL. The script that a worker runs has none of its own: see `worker/entry.ts`. */
export async function importModule(url: string, options?: ImportCallOptions): Promise<unknown> {
  return unbrokenAsync(() => (registry.import === undefined ? import(url, options) : registry.import(url, options)));
}
