import { type Callable, registry } from './registry.ts';

const collected = new FinalizationRegistry<string>((identity) => {
  if (registry.byIdentity.get(identity)?.deref() === undefined) registry.byIdentity.delete(identity);
});

/** The name of a class by which every thread and process knows it; made when the class is first sent. */
export function identityOf(value: Callable): string {
  let identity = registry.identities.get(value);
  if (identity === undefined) {
    identity = `${registry.origin}.${++registry.classes}`;
    adopt(value, identity);
  }
  return identity;
}

/** Records that `value` is what this thread has for an identity. */
export function adopt(value: Callable, identity: string): void {
  registry.identities.set(value, identity);
  registry.byIdentity.set(identity, new WeakRef(value));
  collected.register(value, identity);
}

export function classOf(identity: string): Callable | undefined {
  return registry.byIdentity.get(identity)?.deref();
}
