/** What a message has on its way that somebody waits for: a reference that is counted, an end of a pipe. */
export interface Parcel {
  /** It will not arrive any more. Does nothing when it has, or when this was said before. */
  giveUp(): void;
}

/** Where what is sent is noted. */
interface Posting {
  readonly parcels: Parcel[];
  /** Who sends it keeps the objects, and gives up the parcels, when it knows that they have arrived or never will. */
  readonly kept: boolean;
}

/** What this thread is at. A worker's own code and the package that its tasks import share it. */
interface Traffic {
  posting: Posting | undefined;
  begins: (() => void)[] | undefined;
}

const key = Symbol.for('manycore.traffic');
const traffic: Traffic = ((globalThis as { [key]?: Traffic })[key] ??= { posting: undefined, begins: undefined });

function during<K extends keyof Traffic, R>(what: K, value: Traffic[K], body: () => R): R {
  const outer = traffic[what];
  traffic[what] = value;
  try {
    return body();
  } finally {
    traffic[what] = outer;
  }
}

/** What `body` sends is noted there. */
export function posted<R>(to: Posting, body: () => R): R {
  return during('posting', to, body);
}

/** Whether what is sent now may be sent again, to several, or to one that never reads it: its sender sees to it. */
export function isKept(): boolean {
  return traffic.posting?.kept === true;
}

export function post(parcel: Parcel): void {
  traffic.posting?.parcels.push(parcel);
}

export function giveUp(parcels: readonly Parcel[]): void {
  for (const parcel of parcels) parcel.giveUp();
}

/** Has `arrive` done when what was read is used: at once, but for tasks, which may be taken back before they begin. */
export function whenBegun(arrive: () => void): void {
  if (traffic.begins === undefined) arrive();
  else traffic.begins.push(arrive);
}

/** What `body` reads does not arrive before what is added to `list` is done. */
export function postponed<R>(list: (() => void)[], body: () => R): R {
  return during('begins', list, body);
}
