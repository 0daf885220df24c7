import { CaptureError } from '../errors.ts';
import type { PrivateFields } from '../wire/forms.ts';
import { isInspectable, privateFields } from './inspector.ts';
import { readPrivateFields } from './private-fields.ts';
import { type Callable, registry } from './registry.ts';
import { textOf } from './source.ts';

type Way = 'none' | 'rebuilt' | 'inspect';

const ways = new WeakMap<object, Way>();

/** The private fields of an instance, base classes first; undefined when its classes have none. */
export function privatesOf(instance: object, isByValue: (constructor: Callable) => boolean): PrivateFields | undefined {
  const prototype = Object.getPrototypeOf(instance) as object | null;
  if (prototype === null) return undefined;
  let way = ways.get(prototype);
  if (way === undefined) ways.set(prototype, (way = wayOf(prototype)));
  if (way === 'none') return undefined;
  if (way === 'rebuilt') return readPrivateFields(instance);
  if (!isInspectable()) {
    throw new CaptureError(
      'Cannot send {path}: its class has private fields, and reading those needs the inspector, which is not available.',
    );
  }
  const fields = privateFields(instance);
  const [foreign] = constructorsOf(prototype).filter(
    (constructor) => mentionsPrivates(constructor) && !isByValue(constructor),
  );
  if (foreign === undefined) return fields;
  if (fields.length === 0) return undefined;
  const names = fields.map(([name]) => `#${name}`).join(', ');
  throw new CaptureError(
    `Cannot send {path}: it is an instance of "${foreign.name}", which has private fields (${names}), and that class goes by reference: ` +
      'only its own code can set them. Send the data and make the instance in the worker.',
  );
}

function wayOf(prototype: object): Way {
  const constructors = constructorsOf(prototype).filter(mentionsPrivates);
  if (constructors.length === 0) return 'none';
  return constructors.every((constructor) => registry.received.has(constructor)) ? 'rebuilt' : 'inspect';
}

function constructorsOf(prototype: object): Callable[] {
  const list: Callable[] = [];
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const constructor: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value;
    if (typeof constructor === 'function') list.push(constructor as Callable);
  }
  return list;
}

function mentionsPrivates(constructor: Callable): boolean {
  const text = textOf(constructor);
  return text.startsWith('class') && /#[\p{ID_Start}$_]/u.test(text);
}
