import type { Session } from 'node:inspector';
import { InternalError } from '../errors.ts';

/**
 * The inspector of this very thread, used synchronously: `Session.post` to one's own thread answers before it returns.
 * Live values cross through a hidden property of the global object, so nothing is copied and identity is kept.
 */

/** A mirror of a value, as the protocol names it. */
export interface Remote {
  readonly type: string;
  readonly objectId?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
  readonly description?: string;
}

export interface Location {
  readonly scriptId: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

interface Named {
  readonly name: string;
  readonly value?: Remote;
}

interface Answer {
  readonly result?: Remote & readonly Named[];
  readonly exceptionDetails?: { readonly text: string; readonly exception?: Remote };
  readonly internalProperties?: readonly Named[];
  readonly privateProperties?: readonly Named[];
  readonly scriptSource?: string;
  readonly locations?: readonly Location[];
  readonly breakpointId?: string;
  readonly actualLocation?: Location;
}

/** What V8 knows of a script. The first record of each is kept: every `Debugger.enable` tells of all again. */
export interface Script {
  readonly id: string;
  readonly url: string;
  readonly isModule: boolean;
  readonly sourceMap: string;
  /** False in another vm context, such as a test of jest. */
  readonly isDefault: boolean;
  readonly startLine: number;
  readonly startColumn: number;
  readonly length: number;
}

interface Mailbox {
  value: unknown;
  [slot: string]: unknown;
}

const group = 'manycore';
const maxScripts = 20_000;
const scripts = new Map<string, Script>();
let session: Session | undefined;
let mailbox: Mailbox;
let mailboxName: string;
let mailboxId: string;
let debugging = 0;
let used = 0;
let failure: Error | undefined;

/** Whether this thread can be inspected; connects at the first call. */
export function isInspectable(): boolean {
  if (session !== undefined) return true;
  if (failure !== undefined) return false;
  try {
    connect();
    return true;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    session = undefined;
    return false;
  }
}

/** Whether the connection is there already, so that using it costs no start-up. */
export function isConnected(): boolean {
  return session !== undefined;
}

/** Why this thread cannot be inspected. */
export function inspectorFailure(): Error | undefined {
  return failure;
}

function connect(): void {
  const { Session: Connection } = process.getBuiltinModule('node:inspector');
  session = new Connection();
  session.connect();
  session.on('Debugger.scriptParsed', ({ params }) => {
    const { executionContextAuxData } = params as { executionContextAuxData?: { isDefault?: boolean } };
    if (scripts.has(params.scriptId)) return;
    // What was made by eval or by this very bridge would pile up. It is told of again when it is asked for.
    if (scripts.size > maxScripts) for (const [id, { url }] of scripts) if (url === '') scripts.delete(id);
    scripts.set(params.scriptId, {
      id: params.scriptId,
      url: params.url,
      isModule: params.isModule === true,
      sourceMap: params.sourceMapURL ?? '',
      isDefault: executionContextAuxData?.isDefault !== false,
      startLine: params.startLine,
      startColumn: params.startColumn,
      length: params.length ?? 0,
    });
  });
  // This code may itself run in another vm context (jest), while `Runtime.evaluate` runs in the main one.
  mailboxName = `__manycore${Math.random().toString(36).slice(2)}`;
  mailbox = { value: undefined };
  Object.defineProperty(mainGlobal(), mailboxName, { value: mailbox, configurable: true });
  mailboxId = evaluate(`globalThis.${mailboxName}`, 'manycore-mailbox').objectId!;
}

/** The global object of the main context, reached through a function of Node's core. */
export function mainGlobal(): typeof globalThis {
  try {
    const make = process.getBuiltinModule('node:inspector').Session.constructor as (
      body: string,
    ) => () => typeof globalThis;
    return make('return globalThis')();
  } catch {
    return process.getBuiltinModule('node:vm').runInThisContext('globalThis') as typeof globalThis;
  }
}

export function post(method: string, params?: object): Answer {
  let failed: Error | null = null;
  let answer: Answer | undefined;
  session!.post(method, params, (error: Error | null, result?: object) => {
    failed = error;
    answer = result ?? {};
  });
  if (failed !== null)
    throw new InternalError(`The inspector refused ${method}: ${(failed as { message?: string }).message ?? ''}`);
  if (answer === undefined) throw new InternalError(`The inspector did not answer ${method} at once.`);
  const { exceptionDetails } = answer;
  if (exceptionDetails !== undefined) {
    throw new InternalError(`${method} threw: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
  }
  return answer;
}

function evaluate(expression: string, objectGroup: string = group): Remote {
  return post('Runtime.evaluate', { expression, objectGroup }).result!;
}

function idOf(value: unknown): string {
  used++;
  mailbox.value = value;
  try {
    return evaluate(`${mailboxName}.value`).objectId!;
  } finally {
    mailbox.value = undefined;
  }
}

// As they were at the start: tests replace them by fakes.
const defer = queueMicrotask;
const later = setTimeout;
let releasing = false;

/**
 * Lets go of the mirrors, which keep their objects alive; called when nothing uses them. In batches, because a release
 * costs as much as an evaluation, and of the last ones soon: what a closure holds may be memory that others wait for.
 */
export function release(): void {
  if (used >= mirrorsAtOnce && debugging === 0) return releaseNow();
  if (releasing || used === 0) return;
  releasing = true;
  later(() => {
    releasing = false;
    if (debugging === 0) releaseNow();
    else release();
  }, releaseAfterMs).unref();
}

const mirrorsAtOnce = 64;
const releaseAfterMs = 100;

function releaseNow(): void {
  used = 0;
  post('Runtime.releaseObjectGroup', { objectGroup: group });
}

/** The value behind a mirror. */
export function liveValue(remote: Remote | undefined): unknown {
  if (remote === undefined || remote.type === 'undefined') return undefined;
  if (remote.objectId !== undefined) {
    const args = [{ objectId: remote.objectId }];
    const functionDeclaration = 'function(v){this.value=v}';
    post('Runtime.callFunctionOn', { objectId: mailboxId, functionDeclaration, arguments: args, objectGroup: group });
    const { value } = mailbox;
    mailbox.value = undefined;
    return value;
  }
  const odd = remote.unserializableValue;
  if (odd === undefined) return remote.value;
  return odd.endsWith('n') ? BigInt(odd.slice(0, -1)) : Number(odd);
}

/** What `inspect` finds out about a function. */
export interface Insight {
  readonly location: Location | undefined;
  /** The scopes around it, innermost first. Reading a property may throw: the variable is not initialised yet. */
  scopes(): ReadonlyArray<Readonly<Record<string, unknown>>>;
  /** Set for a bound function. */
  readonly bound: { readonly target: unknown; readonly self: unknown; readonly args: readonly unknown[] } | undefined;
}

export function inspect(fn: object): Insight {
  const objectId = idOf(fn);
  const { internalProperties = [] } = post('Runtime.getProperties', { objectId, ownProperties: true });
  const find = (name: string): Remote | undefined =>
    internalProperties.find((property) => property.name === name)?.value;
  const target = find('[[TargetFunction]]');
  return {
    location: find('[[FunctionLocation]]')?.value as Location | undefined,
    scopes: () => readScopes(find('[[Scopes]]')),
    bound:
      target === undefined
        ? undefined
        : {
            target: liveValue(target),
            self: liveValue(find('[[BoundThis]]')),
            args: Array.from((liveValue(find('[[BoundArgs]]')) as unknown[] | undefined) ?? []),
          },
  };
}

function readScopes(list: Remote | undefined): ReadonlyArray<Readonly<Record<string, unknown>>> {
  if (list === undefined) return [];
  const entries = Array.from(
    liveValue(list) as ArrayLike<{ object: Record<string, unknown> }>,
    (entry) => entry.object,
  );
  const global = mainGlobal();
  return entries.filter((object) => object !== (global as unknown) && object !== (globalThis as unknown));
}

/** The private fields of an object (a class: its static ones), by name without `#`; base classes first. */
export function privateFields(object: object): Array<readonly [name: string, value: unknown]> {
  const { privateProperties = [] } = post('Runtime.getProperties', { objectId: idOf(object), ownProperties: true });
  return privateProperties
    .filter((property) => property.value !== undefined)
    .map((property) => [property.name.replace(/^#/, ''), liveValue(property.value)]);
}

/**
 * Runs `work` with the debugger on. Only ever around synchronous code: while it is on, awaiting is ten times slower for
 * the whole program.
 */
export function withDebugger<T>(work: () => T): T {
  enable();
  try {
    return work();
  } finally {
    disable();
  }
}

let held = false;

/**
 * Keeps the debugger on until the program's next await, for what is likely to be needed many times in a row: a turn on and
 * off costs 8 to 20 ms, however little is done between.
 */
export function holdDebugger(): void {
  if (held) return;
  enable();
  held = true;
  defer(() => {
    held = false;
    disable();
  });
}

function enable(): void {
  if (debugging++ > 0) return;
  post('Debugger.enable');
  // The user's `debugger` statements must not stop this thread: nobody would let it go on.
  post('Debugger.setSkipAllPauses', { skip: true });
}

function disable(): void {
  if (--debugging === 0) post('Debugger.disable');
}

/** The script of a location; scripts that are new since the last look cost one turn of the debugger. */
export function scriptOf(id: string): Script | undefined {
  if (!scripts.has(id)) withDebugger(() => undefined);
  return scripts.get(id);
}

export function sourceOf(script: Script): string {
  return withDebugger(() => post('Debugger.getScriptSource', { scriptId: script.id }).scriptSource ?? '');
}

/** Puts values where code that the inspector evaluates can see them, for the time of `work`. */
export function withMailbox<T>(slots: Record<string, unknown>, work: (name: string, box: Mailbox) => T): T {
  Object.assign(mailbox, slots);
  try {
    return work(`globalThis.${mailboxName}`, mailbox);
  } finally {
    for (const slot of Object.keys(mailbox)) mailbox[slot] = undefined;
  }
}
