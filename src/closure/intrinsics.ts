import { builtinModules } from 'node:module';
import type { Reference } from '../wire/forms.ts';
import { hiddenIntrinsics } from './hidden-intrinsics.ts';
import { builtinReference, intrinsicReference } from './references.ts';

/** What every thread and process has by itself: the language's own objects, Node's globals and built-in modules. */

// The names that are looked at, of all versions; a user's own globals are not among them, since a worker does not have those.
const globals = new Set(
  (
    'Object Function Array Number parseFloat parseInt Boolean String Symbol Date Promise RegExp Error AggregateError EvalError ' +
    'RangeError ReferenceError SyntaxError TypeError URIError JSON Math Intl ArrayBuffer Atomics Uint8Array Int8Array ' +
    'Uint16Array Int16Array Uint32Array Int32Array Float32Array Float64Array Uint8ClampedArray BigUint64Array BigInt64Array ' +
    'DataView Map BigInt Set Iterator WeakMap WeakSet WeakRef Proxy Reflect FinalizationRegistry SharedArrayBuffer decodeURI ' +
    'decodeURIComponent encodeURI encodeURIComponent escape unescape eval isFinite isNaN console process clearImmediate ' +
    'setImmediate clearInterval clearTimeout setInterval setTimeout queueMicrotask structuredClone atob btoa fetch ' +
    'URL URLSearchParams TextEncoder TextDecoder AbortController AbortSignal Event EventTarget MessageChannel MessagePort ' +
    'Buffer performance Blob BroadcastChannel WebAssembly Headers Request Response FormData crypto CryptoKey DOMException File WebSocket ' +
    'ReadableStream ReadableStreamDefaultReader ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableByteStreamController ' +
    'ReadableStreamDefaultController WritableStream WritableStreamDefaultController WritableStreamDefaultWriter ' +
    'TransformStream TransformStreamDefaultController ByteLengthQueuingStrategy CountQueuingStrategy ' +
    'TextEncoderStream TextDecoderStream CompressionStream DecompressionStream Performance PerformanceEntry PerformanceMark ' +
    'PerformanceMeasure PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming Crypto SubtleCrypto ' +
    'CustomEvent MessageEvent CloseEvent ErrorEvent EventSource Storage Navigator navigator URLPattern Temporal ' +
    'SuppressedError DisposableStack AsyncDisposableStack Float16Array'
  ).split(' '),
);

/** Whether it is the name of a global that every thread and process has. */
export function isIntrinsicName(name: string): boolean {
  return globals.has(name) || name === 'global' || name === 'globalThis';
}

const maxDepth = 3;

interface Table {
  readonly found: WeakMap<object, Reference>;
  /** Globals behind getters, which load what they give (`Response`: all of undici, 15 ms): read when something has their name. */
  readonly lazy: Map<string, typeof globalThis>;
}

let table: Table | undefined;

/** The reference of an intrinsic. `main` is the main context's global object, when this code runs in another one. */
export function intrinsicOf(value: object, main: () => typeof globalThis): Reference | undefined {
  table ??= indexIntrinsics(main());
  const reference = table.found.get(value);
  if (reference !== undefined) return reference;
  const name = typeof value === 'function' ? value.name : nameByClass(value);
  const global = table.lazy.get(name);
  if (global === undefined) return undefined;
  table.lazy.delete(name);
  visit(table, Reflect.get(global, name), [name]);
  return table.found.get(value);
}

/** The name that a global object of a class of its own has: `performance` is a `Performance`. */
function nameByClass(value: object): string {
  const prototype = Object.getPrototypeOf(value) as object | null;
  const constructor: unknown = prototype && Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof constructor === 'function' ? String(constructor.name).toLowerCase() : '';
}

function indexIntrinsics(main: typeof globalThis): Table {
  const made: Table = { found: new WeakMap(), lazy: new Map() };
  for (const global of main === globalThis ? [main] : [globalThis, main]) {
    made.found.set(global, intrinsicReference([]));
    for (const name of globals) {
      const descriptor = Object.getOwnPropertyDescriptor(global, name);
      if (descriptor?.get !== undefined && name !== 'process' && name !== 'Buffer') made.lazy.set(name, global);
      else visit(made, Reflect.get(global, name), [name]);
    }
  }
  // What a task finds there is its worker's: a copy of the environment, and a way to the host's output.
  made.found.set(process.env, intrinsicReference(['process', 'env']));
  for (const [name, value] of Object.entries(hiddenIntrinsics())) visit(made, value, [name]);
  return made;
}

/** Takes up a value and, for a few levels, its members. */
function visit(to: Table, value: unknown, path: readonly string[]): void {
  if (((typeof value !== 'object' || value === null) && typeof value !== 'function') || to.found.has(value)) return;
  to.found.set(value, intrinsicReference(path));
  // `process` has half of Node behind it, and nothing that could not be had by its own name.
  if (path.length > maxDepth || path[0] === 'process') return;
  for (const key of Reflect.ownKeys(value)) {
    const step = keyStep(key);
    if (step === undefined) continue;
    const descriptor = Object.getOwnPropertyDescriptor(value, key)!;
    if (descriptor.get) to.found.set(descriptor.get, intrinsicReference([...path, `get ${step}`]));
    if (descriptor.set) to.found.set(descriptor.set, intrinsicReference([...path, `set ${step}`]));
    visit(to, descriptor.value, [...path, step]);
  }
}

function keyStep(key: string | symbol): string | undefined {
  if (typeof key === 'string') return key;
  const name = key.description?.replace('Symbol.', '') ?? '';
  return Reflect.get(Symbol, name) === key ? `@@${name}` : undefined;
}

const builtins = new WeakMap<object, Reference>();
const indexed = new Set<string>();
let loadedCount = -1;

/** The reference of a built-in module's exports or of one of its members; only modules that are loaded are looked at. */
export function builtinOf(value: object): Reference | undefined {
  return builtins.get(value);
}

/** Takes up the modules that were loaded since the last time. */
export function refreshBuiltins(): void {
  const list = (process as { moduleLoadList?: readonly string[] }).moduleLoadList ?? [];
  if (list.length === loadedCount) return;
  loadedCount = list.length;
  const loaded = new Set(list.map((name) => name.replace(/^NativeModule /, '')));
  for (const name of builtinModules) {
    const id = name.replace(/^node:/, '');
    if (id.startsWith('_') || indexed.has(id) || !loaded.has(id)) continue;
    indexed.add(id);
    indexBuiltin(`node:${id}`);
  }
}

function indexBuiltin(module: string): void {
  const exports: unknown = process.getBuiltinModule(module);
  const add = (value: unknown, path: readonly string[]): value is object => {
    if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
    if (builtins.has(value)) return false;
    builtins.set(value, builtinReference(module, path));
    return true;
  };
  if (!add(exports, [])) return;
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(exports))) {
    if (!add(descriptor.value, [key]) || typeof descriptor.value !== 'function') continue;
    for (const [inner, own] of Object.entries(Object.getOwnPropertyDescriptors(descriptor.value as object))) {
      if (typeof own.value === 'function') add(own.value, [key, inner]);
    }
    const prototype: unknown = (descriptor.value as { prototype?: unknown }).prototype;
    if (typeof prototype !== 'object' || prototype === null) continue;
    for (const [inner, own] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (typeof own.value === 'function') add(own.value, [key, 'prototype', inner]);
    }
  }
}
