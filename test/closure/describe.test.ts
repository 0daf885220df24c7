import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { describe as tell } from '#internal/closure/explain.js';
import { plain } from './fixtures/dep.js';

const table = new Map([['a', 1]]);
let counter = 1;
counter++;
const weak = new WeakMap<object, number>();
const socket = new Socket();
const inner = (key: string): number => (table.get(key) ?? 0) + counter;

test('an export goes by reference', () => {
  assert.match(tell(plain), /^plain: by reference, plain of file:.*fixtures\/dep\.js$/);
});

test('variables are named, with type and size', () => {
  const text = tell((key: string) => inner(join(key, 'x')));
  assert.match(text, /^<anonymous>: by value, function of \d+ bytes, file:.*describe\.test\.js:\d+:\d+/);
  assert.match(text, /\n {2}inner: by value/);
  assert.match(text, /\n {4}table: Map of 1/);
  assert.match(text, /\n {4}counter: number 2 \(changes; copied at each send\)/);
  assert.match(text, /\n {2}join: by reference, join of node:path/);
});

test('what cannot travel is said', () => {
  assert.match(
    tell(() => weak.has({})),
    /weak: a WeakMap, which cannot travel/,
  );
});

test('what lives in this process only is said, however deep it is', () => {
  assert.match(
    tell(() => socket.readyState),
    /socket: Socket with \d+ properties, which cannot travel: it is a net\.Socket/,
  );
  const connection = { db: { socket } };
  assert.match(
    tell(() => connection.db),
    /connection: object with 1 properties, which cannot travel: \$\.db\.socket: it is a net\.Socket/,
  );
});
