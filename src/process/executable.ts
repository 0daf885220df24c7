import { fileURLToPath } from 'node:url';
import { ArgumentTypeError } from '../errors.ts';
import { show } from '../arguments.ts';

let path: string | undefined;

/** The Node that children are started with; undefined: the one that runs this program. */
export function executable(): string | undefined {
  return path;
}

/** Sets the Node that children are started with from now on, by its path. Python: `set_executable`. */
export function setExecutable(file: string | Uint8Array | URL): void {
  if (typeof file === 'string') path = file;
  else if (file instanceof URL) path = fileURLToPath(file);
  else if (file instanceof Uint8Array) path = Buffer.from(file).toString();
  else throw new ArgumentTypeError(`Cannot use ${show(file)} as executable: expected a path, its bytes or a file URL.`);
}
