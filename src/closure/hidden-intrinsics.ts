/** Intrinsics that no global names. */
export function hiddenIntrinsics(): Record<string, object> {
  const generator = Object.getPrototypeOf(function* () {}) as object;
  const asyncGenerator = Object.getPrototypeOf(async function* () {}) as object;
  return {
    '%AsyncFunction%': (async () => {}).constructor,
    '%GeneratorFunction%': generator.constructor,
    '%AsyncGeneratorFunction%': asyncGenerator.constructor,
    '%TypedArray%': Object.getPrototypeOf(Uint8Array) as object,
    '%ArrayIteratorPrototype%': Object.getPrototypeOf([][Symbol.iterator]()) as object,
  };
}
