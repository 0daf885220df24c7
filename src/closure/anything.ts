/**
 * An argument with which any parameter list gets along: default values are not needed, destructuring and calls work and
 * give more of the same. For entering functions whose body must not see real arguments.
 */
const anything: unknown = new Proxy(function () {}, {
  get: (_, key) => {
    if (key === Symbol.toPrimitive) return () => 0;
    if (key === Symbol.iterator) return () => some();
    return anything;
  },
  apply: () => anything,
  construct: () => anything as object,
});

/** Enough for any pattern, and an end for `[...rest]`. */
function* some(): Generator {
  for (let i = 0; i < 32; i++) yield anything;
}

export const anyArguments: readonly unknown[] = Array(8).fill(anything);
