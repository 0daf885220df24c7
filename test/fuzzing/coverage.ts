import { Session, type Profiler } from 'node:inspector';

// Here, before anything is imported that matters, and for good: of a function that was compiled before, V8 counts calls only.
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/** Which code has run, as V8 counts it: the inspector's profiler, for the scripts that are meant. */
export class Coverage {
  readonly #isMeant: (url: string) => boolean;
  /** By function, which of its characters have run. */
  readonly #ran = new Map<string, Uint8Array>();
  /** What was reported before word for word. */
  readonly #seen = new Set<string>();
  #size = 0;

  constructor(isMeant: (url: string) => boolean) {
    this.#isMeant = isMeant;
    // What has run so far is nobody's.
    session.post('Profiler.takePreciseCoverage');
  }

  /** How many characters of code have run. */
  get size(): number {
    return this.#size;
  }

  /** Whether code has run since the last call that had not before; it counts as known from now on. */
  take(): boolean {
    return this.#read(true);
  }

  /** The same, but it stays unknown. */
  look(): boolean {
    return this.#read(false);
  }

  #read(adds: boolean): boolean {
    let some = false;
    // The answer comes before `post` returns.
    session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      for (const { url, scriptId, functions } of result) {
        if (!this.#isMeant(url)) continue;
        for (const { ranges } of functions) if (this.#isNew(scriptId, ranges, adds)) some = true;
      }
    });
    return some;
  }

  #isNew(script: string, ranges: readonly Profiler.CoverageRange[], adds: boolean): boolean {
    const { startOffset, endOffset } = ranges[0]!;
    // How often makes no difference.
    const report = `${script}:${ranges.map((range) => `${range.startOffset}-${range.endOffset} ${range.count > 0}`).join()}`;
    if (this.#seen.has(report)) return false;
    const runs = new Uint8Array(endOffset - startOffset);
    // They are nested, the outer ones first.
    for (const range of ranges)
      runs.fill(range.count > 0 ? 1 : 0, range.startOffset - startOffset, range.endOffset - startOffset);
    const key = `${script}:${startOffset}`;
    const ran = this.#ran.get(key) ?? new Uint8Array(runs.length);
    const fresh = runs.reduce((sum, here, at) => sum + (here > ran[at]! ? 1 : 0), 0);
    if (fresh > 0 && !adds) return true;
    this.#seen.add(report);
    this.#ran.set(
      key,
      ran.map((before, at) => before | runs[at]!),
    );
    this.#size += fresh;
    return fresh > 0;
  }
}
