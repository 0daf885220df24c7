import { readdirSync, readlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { rootLife } from './family.ts';
import { isAlive, ownLife, type Life } from './life.ts';

/** Where shared memory has its names. */
export const namesFolder = '/dev/shm';

/**
 * A name that nobody chose tells whose it is: `manycore-<pid>-<start>-<namespace>-<random>`. For a chosen one there is an empty file that
 * does, `manycore-<pid>-<start>-<namespace>-owns-<name>`. What dead programs have left is removed by the next one in that namespace:
 * from a container that shares `/dev/shm`, all others look dead.
 */
const form = /^manycore-(\d+)-(\d+)-(\d+)-(?:owns-)?(.+)$/;
const owns = /^manycore-\d+-\d+-\d+-owns-(.+)$/;

export function prefixOf({ pid, start }: Life): string {
  return `manycore-${pid}-${start}-${namespace()}-`;
}

let ownNamespace: string | undefined;

/** That of our process ids. */
function namespace(): string {
  try {
    ownNamespace ??= /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0];
  } catch {
    // There are none here.
  }
  return (ownNamespace ??= '0');
}

/** A new name of this program. */
export function newName(): string {
  return prefixOf(rootLife()) + randomBytes(6).toString('hex');
}

/** Has a chosen name removed with this program. */
export function claimName(name: string): void {
  if (form.test(name)) return;
  writeFileSync(`${namesFolder}/${noteOf(name)}`, '', { mode: 0o600 });
}

/** Undoes `claimName`: the name is gone. */
export function forgetName(name: string): void {
  if (form.test(name)) return;
  remove(noteOf(name));
}

function noteOf(name: string): string {
  return `${prefixOf(rootLife())}owns-${encodeURIComponent(name)}`;
}

let tidied = false;

/**
 * Removes what programs have left that were killed, once, and has all names of this program removed at its end, those of its
 * workers among them. To be called before anything has a name.
 */
export function tidyNames(): void {
  if (tidied || process.platform !== 'linux' || rootLife() !== ownLife()) return;
  tidied = true;
  removeOf((life) => !isAlive(life));
  const { pid, start } = ownLife();
  process.on('exit', () => removeOf((life) => life.pid === pid && life.start === start));
}

function removeOf(isMeant: (life: Life) => boolean): void {
  removeThose((name) => {
    const [, pid, start, where] = form.exec(name) ?? [];
    return where === namespace() && isMeant({ pid: Number(pid), tid: Number(pid), start: Number(start) });
  });
}

/** Removes names, and those that they own. */
export function removeThose(isMeant: (name: string) => boolean): void {
  let names: string[];
  try {
    names = readdirSync(namesFolder);
  } catch {
    return;
  }
  for (const name of names) {
    if (!isMeant(name)) continue;
    const owned = owns.exec(name)?.[1];
    if (owned !== undefined) remove(decodeURIComponent(owned));
    remove(name);
  }
}

function remove(name: string): void {
  try {
    unlinkSync(`${namesFolder}/${name}`);
  } catch {
    // Another program was faster, or it is another user's.
  }
}
