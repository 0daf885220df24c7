import { showAs } from '../../inspection.ts';
import { type Waiting, waitingOf } from '../../waiting.ts';
import { travelsAs } from '../../wire/shared.ts';
import {
  attachReference,
  proxyClasses,
  proxyMaker,
  type ProxyState,
  tellReferences,
  travellingState,
} from '../proxy-maker.ts';
import type { Reference } from '../reference.ts';

const dropped = new FinalizationRegistry<Reference>((reference) => reference.connection.drop(reference));

/** How long a call may wait, and what gives it up. */
export interface WaitOptions {
  /** Milliseconds. Default: without end. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

const waitKeys = ['timeout', 'signal'];

/** The options of a call that may wait. */
export function waitOf(method: string, options: WaitOptions | undefined): Waiting {
  return waitingOf(method, options, waitKeys);
}

/**
 * Stands for an object in a manager's server. It can be passed to tasks, processes and threads, put into queues and into other
 * shared objects; all of them see one object, which lives as long as anybody refers to it. Python: `BaseProxy`.
 */
export class BaseProxy {
  readonly #reference: Reference;

  constructor(reference: Reference) {
    this.#reference = reference;
    reference.proxy = new WeakRef(this);
    dropped.register(this, reference);
  }

  static {
    tellReferences((value) => (#reference in value ? value.#reference : undefined));
  }

  /**
   * Calls a method by its name. Python: `_callmethod`.
   *
   * @throws MethodNotExposedError when there is none that may be called.
   * @throws ConnectionLostError when the server is gone.
   */
  callMethod(method: string, args: readonly unknown[] = [], signal?: AbortSignal): Promise<unknown> {
    const reference = this.#reference;
    const answer = reference.connection.call(reference, method, args, signal);
    if (!reference.isConfirmed && !reference.isConfirming) confirm(reference, answer);
    return answer;
  }

  /** The object's text, as its server shows it. Python: `str(proxy)`. */
  async str(): Promise<string> {
    return String(await this.callMethod('str'));
  }
}

travelsAs<BaseProxy, ProxyState>(BaseProxy, {
  stateOf: (proxy) => travellingState(proxyMaker.referenceOf(proxy)!),
  attach: (constructor, state) => new constructor(attachReference(state) as never),
});

showAs(BaseProxy, (proxy) => {
  const { kind, id } = proxyMaker.referenceOf(proxy)!;
  return ` of ${kind} ${id.slice(0, 8)}`;
});

/** The first answer tells that the server has the object. */
function confirm(reference: Reference, answer: Promise<unknown>): void {
  reference.isConfirming = true;
  answer.then(
    () => (reference.isConfirmed = true),
    () => (reference.isConfirming = false),
  );
}

/** Says which class stands for objects of a kind. */
export function standFor(kind: string, proxy: new (reference: Reference) => BaseProxy): void {
  proxyClasses.set(kind, proxy);
}

/** Changes a value in one step: at the server where it takes code, else here, again and again until nobody was faster. */
export async function updateRemotely(
  proxy: BaseProxy,
  place: readonly unknown[],
  fn: (value: never) => unknown,
): Promise<unknown> {
  const { connection } = proxyMaker.referenceOf(proxy)!;
  await (connection.allowsCode ? undefined : connection.ready);
  if (connection.allowsCode) return proxy.callMethod('update', [...place, fn]);
  for (;;) {
    const [value, version] = (await proxy.callMethod('read', place)) as [never, number];
    const next = await fn(value);
    if ((await proxy.callMethod('replace', [...place, version, next])) === true) return next;
  }
}
