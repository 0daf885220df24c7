import { createHash } from 'node:crypto';
import { showAddress, type Target } from '../address.ts';
import type { AuthKey } from '../auth-key.ts';
import { rememberServer } from '../proxy-maker.ts';
import { PythonAccess, type PythonTraits } from './access.ts';
import type { PythonReference } from './reference.ts';

const accesses = new Map<string, PythonAccess>();

/** This thread's way to a server: one for all. */
export function accessTo(target: Target, key: AuthKey, python: PythonTraits): PythonAccess {
  const name = createHash('sha256')
    .update(JSON.stringify([showAddress(target.address), python.legacy]))
    .update(key.raw)
    .digest('hex');
  let access = accesses.get(name);
  if (access === undefined || access.error !== undefined) {
    access = new PythonAccess(target, key, python);
    accesses.set(name, access);
  }
  rememberServer({ target, key, allowsCode: false, python });
  return access;
}

/** What a proxy that was sent here refers to. */
export function attachToPython(
  target: Target,
  key: AuthKey,
  python: PythonTraits,
  { kind, typeid, id }: { readonly kind: string; readonly typeid?: string | undefined; readonly id: string },
): PythonReference {
  const access = accessTo(target, key, python);
  access.users++;
  return access.attach(typeid ?? kind, id, undefined, kind);
}
