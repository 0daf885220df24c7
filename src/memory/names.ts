import { linkSync, lstatSync, readdirSync, readlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { rootLife } from './family.ts';
import { isAlive, ownLife, type Life } from './life.ts';

/** Where shared memory has its names. */
export const namesFolder = '/dev/shm';

/**
 * A name that nobody chose tells whose it is: `manycore-<pid>-<start>-<namespace>-<random>`. For a chosen one there is an empty file that
 * does, `manycore-<pid>-<start>-<namespace>-owns-<inode>`. What dead programs have left is removed by the next one in that namespace:
 * from a container that shares `/dev/shm`, all others look dead. Anybody can write there: what is another user's says nothing.
 */
const form = /^manycore-(\d+)-(\d+)-(\d+)-(?:owns-)?(.+)$/;
const owns = /^manycore-\d+-\d+-\d+-owns-(\d+)$/;

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

/** A new name of this program, which is removed with it. */
export function newName(): string {
  return prefixOf(rootLife()) + randomBytes(6).toString('hex');
}

/**
 * Gives a file that has a new name a chosen one instead, by which it is removed with this program as well. Whoever is killed in the middle
 * leaves nothing, and nobody sees it before it is complete.
 */
export function nameFile(present: string, chosen: string): void {
  const inode = inodeOf(present);
  try {
    if (inode === undefined) throw new Error(`${present} was removed by somebody else.`);
    writeNote(noteOf(inode));
    linkSync(pathOf(present), pathOf(chosen));
  } catch (error) {
    if (inode !== undefined) forgetFile(inode);
    throw error;
  } finally {
    remove(present);
  }
}

function writeNote(note: string): void {
  try {
    writeFileSync(pathOf(note), '', { mode: 0o600, flag: 'wx' });
  } catch (error) {
    // Of ours there is one if another program has unlinked what had the same number.
    if (inodeOf(note) === undefined) throw error;
  }
}

/** A chosen name of a file is gone. */
export function forgetFile(inode: number): void {
  remove(noteOf(inode));
}

function noteOf(inode: number): string {
  return `${prefixOf(rootLife())}owns-${inode}`;
}

export function pathOf(name: string): string {
  return `${namesFolder}/${name}`;
}

/** Undefined when there is none of this name, or it is another user's. */
function inodeOf(name: string): number | undefined {
  const found = lstatSync(pathOf(name), { throwIfNoEntry: false });
  return found?.uid === process.geteuid?.() ? found?.ino : undefined;
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
  const meant = names.filter((name) => isMeant(name) && inodeOf(name) !== undefined);
  const owned = new Set(meant.flatMap((name) => owns.exec(name)?.slice(1) ?? []).map(Number));
  // Before the notes: who is killed here leaves those to the next one.
  if (owned.size > 0) for (const name of names) if (owned.has(inodeOf(name) ?? 0)) remove(name);
  for (const name of meant) remove(name);
}

function remove(name: string): void {
  if (inodeOf(name) === undefined) return;
  try {
    unlinkSync(pathOf(name));
  } catch {
    // Another program was faster.
  }
}
