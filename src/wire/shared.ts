/**
 * Objects that stand for something shared (a proxy of a manager, shared memory) do not travel by value: they tell what is
 * needed to find it again, and the class on the other side, imported from the same module, makes one of its own of that.
 */

/** A method: plain state, told each time the object is sent. */
const travel = Symbol.for('manycore.travel');
/** A static method of the class: an object from that state. */
const attach = Symbol.for('manycore.attach');

interface Travelling<T, State> {
  stateOf(instance: T): State;
  attach(constructor: new (...args: never[]) => T, state: State): T;
}

/** Has instances of a class, and of those that extend it, travel as their state. */
export function travelsAs<T extends object, State>(
  constructor: abstract new (...args: never[]) => T,
  { stateOf, attach: make }: Travelling<T, State>,
): void {
  Object.defineProperty(constructor.prototype, travel, {
    value(this: T): State {
      return stateOf(this);
    },
  });
  Object.defineProperty(constructor, attach, {
    value(this: new () => T, state: State): T {
      return make(this, state);
    },
  });
}

/** The state of what travels so, in a box; undefined for anything else. */
export function travellingStateOf(value: object): (() => unknown) | undefined {
  const method: unknown = Reflect.get(value, travel);
  return typeof method === 'function' ? () => (method as (this: object) => unknown).call(value) : undefined;
}

/** What a class makes of a state; undefined when it makes nothing of any. */
export function attacherOf(constructor: unknown): ((state: unknown) => unknown) | undefined {
  const method: unknown = typeof constructor === 'function' ? Reflect.get(constructor, attach) : undefined;
  return typeof method === 'function'
    ? (state) => (method as (this: unknown, state: unknown) => unknown).call(constructor, state)
    : undefined;
}
