import type * as Capture from '../closure/capture.ts';
import { createRequire } from '../node-module.ts';
import { unbroken } from '../unbroken.ts';
import type { FunctionReader } from '../wire/forms.ts';

/**
 * A worker seldom sends a function or an instance of a class back, so what looks into them (a parser, the inspector) is
 * loaded when it first does. Synchronously, as encoding is: the file beside the bundle is used, not a part of the bundle.
 */
export function createWorkerReader(): FunctionReader {
  let loaded: FunctionReader | undefined;
  const load = (): FunctionReader => {
    const { createReader } = unbroken(() => createRequire(import.meta.url)('../closure/capture.js') as typeof Capture);
    return (loaded = createReader({ toward: 'host' }));
  };
  return {
    begin: () => loaded?.begin(),
    end: () => loaded?.end(),
    formOf: (fn) => (loaded ?? load()).formOf(fn),
    referenceOf: (object) => (loaded ?? load()).referenceOf(object),
    privateFieldsOf: (instance) => (loaded ?? load()).privateFieldsOf(instance),
  };
}
