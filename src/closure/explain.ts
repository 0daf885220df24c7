import { types } from 'node:util';
import { SerializationError } from '../errors.ts';
import { giveUp } from '../memory/parcels.ts';
import { Encoder } from '../wire/encoder.ts';
import { isCell, type Code, type FunctionForm, type Reference } from '../wire/forms.ts';
import { Writer } from '../wire/writer.ts';
import { createReader } from './capture.ts';
import { isReference } from './references.ts';
import type { Callable } from './registry.ts';

/**
 * Tells what sending a function would send: whether it goes by reference or by value, the variables that it takes along
 * with their types and rough sizes, its imports, and what cannot travel and why.
 *
 * @param fn - Any function or class. It is not called.
 * @returns A text of several lines.
 *
 * @example
 * ```ts
 * import { describe } from 'manycore';
 * const table = new Map([['a', 1]]);
 * console.log(describe((key: string) => table.get(key)));
 * ```
 */
export function describe(fn: (...args: never[]) => unknown): string {
  const reader = createReader({ toward: 'worker' });
  const lines: string[] = [];
  const seen = new Set<unknown>();
  const visit = (value: Callable, label: string, indent: string): void => {
    seen.add(value);
    let form: FunctionForm;
    try {
      form = reader.formOf(value);
    } catch (error) {
      lines.push(`${indent}${label}: cannot travel: ${reason(error)}`);
      return;
    }
    lines.push(`${indent}${label}: ${headline(value, form)}`);
    if (form.form === 'bound') {
      lines.push(`${indent}  this: ${summary(form.self)}`);
      if (typeof form.target === 'function') visit(form.target as Callable, 'of', `${indent}  `);
    }
    if (form.form !== 'parts') return;
    const { captured, labels, first, own, prototype } = form.parts;
    captured.forEach((one, i) => item(one, labels[i]!, `${indent}  `));
    for (const one of first) if (typeof one === 'function') item(one, 'needs', `${indent}  `);
    for (const { key, descriptor } of [...own, ...(prototype ?? [])])
      item(descriptor.value, `.${String(key)}`, `${indent}  `);
  };
  const item = (value: unknown, label: string, indent: string): void => {
    const inner = isCell(value) ? value.v : value;
    const shared = isCell(value) ? ' (changes; copied at each send)' : '';
    if (typeof inner === 'function' && !seen.has(inner)) visit(inner as Callable, label, indent);
    else lines.push(`${indent}${label}: ${summary(inner)}${shared}${trouble(inner)}`);
  };
  reader.begin();
  try {
    visit(fn, fn.name === '' ? '<anonymous>' : fn.name, '');
  } finally {
    reader.end();
  }
  return lines.join('\n');
}

function reason(error: unknown): string {
  return error instanceof SerializationError ? error.message.replace('Cannot send {path}: ', '') : String(error);
}

/** Why a variable's value cannot travel, if it cannot. */
function trouble(value: unknown): string {
  if (typeof value !== 'object' || value === null || isReference(value)) return '';
  if (summary(value).endsWith('which cannot travel')) return '';
  try {
    const encoder = new Encoder(createReader({ toward: 'worker' }), { shares: true });
    encoder.message(new Writer(), value);
    giveUp(encoder.parcels);
    return '';
  } catch (error) {
    if (!(error instanceof SerializationError)) return `, which cannot travel: ${String(error)}`;
    const inside = error.path === '$' ? '' : `${error.path}: `;
    return `, which cannot travel: ${inside}${error.message.replace(`Cannot send ${error.path}: `, '')}`;
  }
}

function headline(fn: Callable, form: FunctionForm): string {
  switch (form.form) {
    case 'reference':
      return `by reference, ${where(form.reference)}`;
    case 'identity':
      return 'a class that the other side has';
    case 'bound':
      return 'a bound function';
    case 'parts':
      return `by value, ${form.parts.identity === undefined ? 'function' : 'class'} of ${size(String(form.parts.code['text'] ?? '').length)}${place(form.parts.code)}`;
  }
}

function place(code: Code): string {
  const { url, line, column } = code as Code & { url?: string; line?: number; column?: number };
  return url ? `, ${url}:${(line ?? 0) + 1}:${(column ?? 0) + 1}` : '';
}

function where(reference: Reference): string {
  const detail = reference as unknown as Record<'url' | 'specifier' | 'name' | 'module', string> & {
    path?: readonly string[];
  };
  const path = (detail.path ?? []).join('.');
  switch (reference['kind']) {
    case 'intrinsic':
      return path === '' ? 'globalThis' : path;
    case 'builtin':
      return `${path === '' ? '' : `${path} of `}${detail.module}`;
    case 'import':
      return `imported from '${detail.specifier}' (${detail.name})`;
    case 'export':
      return `${path === '' ? 'the exports' : path} of ${detail.url}`;
    default:
      return `${String(reference['kind'])} of ${detail.url}`;
  }
}

function summary(value: unknown): string {
  if (typeof value === 'function') return `function ${value.name} (see above)`;
  if (typeof value === 'string') return `string of ${size(value.length)}`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'symbol' ? 'symbol' : `${typeof value} ${String(value)}`;
  if (isReference(value)) return `by reference, ${where(value)}`;
  if (types.isProxy(value)) return 'a Proxy, which cannot travel';
  if (types.isPromise(value) || types.isWeakMap(value) || types.isWeakSet(value) || types.isGeneratorObject(value)) {
    return `a ${Object.prototype.toString.call(value).slice(8, -1)}, which cannot travel`;
  }
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value))
    return `${value.constructor.name} of ${size(value.byteLength)}`;
  if (Array.isArray(value)) return `array of ${value.length}`;
  if (types.isMap(value) || types.isSet(value)) return `${types.isMap(value) ? 'Map' : 'Set'} of ${value.size}`;
  const name: unknown = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)?.constructor
    ?.name;
  return `${typeof name === 'string' && name !== 'Object' ? name : 'object'} with ${Object.keys(value).length} properties`;
}

function size(characters: number): string {
  return characters < 2048 ? `${characters} bytes` : `${Math.round(characters / 1024)} KB`;
}
