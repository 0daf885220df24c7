import { strict as assert } from 'node:assert';
import { dumps } from '#internal/connection/pickle/encode.js';
import { errorOf, errorOfTraceback } from '#internal/manager/python/errors.js';
import { type Proxies, unpickle } from '#internal/manager/python/pickles.js';
import { PythonInstance, Token } from '#internal/manager/python/token.js';
import { UnpicklingError } from 'manycore';
import { Random } from '../../engine/random.ts';
import { testClean } from '../../matrix.ts';

/** What Python would make by calling something. */
class Made {
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];

  constructor(module: string, name: string, ...args: readonly unknown[]) {
    this.module = module;
    this.name = name;
    this.args = Object.freeze(args);
  }
}

const received: string[] = [];
const proxies: Proxies = {
  sent: () => undefined,
  received: ({ typeid, id }) => {
    received.push(`${typeid} ${id}`);
    return new Map();
  },
};

function reply(kind: string, value: unknown): Buffer {
  return dumps(Object.freeze([kind, value]), (each) => (each instanceof Made ? each : undefined));
}

const read = (bytes: Buffer): unknown => unpickle(bytes, proxies)[1];

testClean('python: a reply holds data and proxies, and nothing that runs', {}, () => {
  assert.deepEqual(read(reply('#RETURN', { a: [1, new Date(5)] })), { a: [1, new Date(5)] });
  for (const [module, name] of [
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['builtins', 'getattr'],
    ['builtins', 'KeyError'],
    ['subprocess', 'Popen'],
    ['multiprocessing.managers', 'SyncManager'],
    ['multiprocessing.managers', 'AutoProxy'],
    ['__main__', 'Thing'],
    ['constructor', 'constructor'],
  ] as const) {
    const bytes = reply('#RETURN', [new Made(module, name, 'echo')]);
    assert.throws(() => read(bytes), { name: 'UnpicklingError' }, `${module}.${name}`);
  }
  assert.throws(() => read(dumps(['#RETURN', 1, 2])), { name: 'UnpicklingError' }, 'no reply');
});

testClean('python: of what an error is made, the name is kept', {}, () => {
  const raised = read(reply('#ERROR', new Made('os', 'system', 'rm -rf /'))) as PythonInstance;
  assert.deepEqual([raised.name, raised.args], ['os.system', ['rm -rf /']]);
  assert.equal(errorOf(raised).name, 'RemoteError');
  for (const [module, name, expected] of [
    ['builtins', 'KeyError', 'ArgumentRangeError'],
    ['builtins', 'TypeError', 'ArgumentTypeError'],
    ['_queue', 'Empty', 'QueueEmptyError'],
    ['queue', 'Full', 'QueueFullError'],
    ['threading', 'BrokenBarrierError', 'BrokenBarrierError'],
    ['multiprocessing.context', 'TimeoutError', 'TimeoutError'],
    ['builtins', 'ZeroDivisionError', 'RemoteError'],
    ['elsewhere', 'KeyError', 'RemoteError'],
  ] as const)
    assert.equal(errorOf(read(reply('#ERROR', new Made(module, name, 'x')))).name, expected, `${module}.${name}`);
  assert.match(errorOf(new PythonInstance('KeyError', ['k'])).message, /^KeyError: k$/);
});

testClean('python: tokens, proxies, arrays and namespaces are checked', {}, () => {
  const token = new Made('multiprocessing.managers', 'Token', 'list', '/somewhere', 'f00');
  received.length = 0;
  read(reply('#RETURN', new Made('multiprocessing.managers', 'RebuildProxy', null, token, 'pickle', {})));
  assert.deepEqual(received, ['list f00']);
  assert.ok(read(reply('#RETURN', token)) instanceof Token);
  assert.deepEqual(
    read(reply('#RETURN', new Made('array', 'array', 'h', Buffer.from([1, 0, 255, 255])))),
    Int16Array.of(1, -1),
  );
  for (const bad of [
    new Made('multiprocessing.managers', 'RebuildProxy', null, 'no token', 'pickle', {}),
    new Made('multiprocessing.managers', 'RebuildProxy'),
    new Made('multiprocessing.managers', 'Token', 1, 2, 3),
    new Made('array', 'array', 'h', Buffer.from([1, 0, 255])),
    new Made('array', 'array', 'u', Buffer.from([1, 0])),
    new Made('array', 'array', 'constructor', Buffer.from([1, 0])),
    new Made('builtins', 'list', 'text'),
  ])
    assert.throws(() => read(reply('#RETURN', bad)), { name: 'UnpicklingError' }, JSON.stringify(bad));
});

testClean('python: a traceback says what went wrong in the server', {}, () => {
  const gone = errorOfTraceback("Traceback (most recent call last):\n  ...\nKeyError: '7f00aa'\n");
  assert.equal(gone.name, 'ObjectGoneError');
  const refused = errorOfTraceback(
    "Traceback:\nAttributeError: method 'f' of <class 'C'> object is not in exposed={'g'}\n\nDuring ...:\nKeyError: 'f'",
  );
  assert.equal(refused.name, 'MethodNotExposedError');
  assert.equal(errorOfTraceback('Traceback:\nOSError: no').name, 'RemoteError');
});

testClean('fuzz: spoilt replies of a Python server are refused (I10)', {}, () => {
  const random = new Random(20_262);
  const place = (length: number): number => Math.floor(random.next() * length);
  const token = new Made('multiprocessing.managers', 'Token', 'list', '/somewhere', 'f00');
  const samples = [
    reply('#RETURN', { a: [1, 'x', Buffer.from('b')] }),
    reply('#PROXY', [['append'], token]),
    reply('#RETURN', [new Made('multiprocessing.managers', 'RebuildProxy', null, token, 'pickle', { exposed: ['f'] })]),
    reply('#ERROR', new Made('builtins', 'KeyError', 'k')),
    reply('#RETURN', new Made('array', 'array', 'd', Buffer.alloc(16))),
  ];
  for (let i = 0; i < 10_000; i++) {
    const bytes = Buffer.from(samples[place(samples.length)]!);
    for (let changes = 1 + place(3); changes > 0; changes--) bytes[place(bytes.length)] = place(256);
    try {
      unpickle(bytes.subarray(0, random.next() < 0.2 ? place(bytes.length) : bytes.length), proxies);
    } catch (error) {
      assert.ok(error instanceof UnpicklingError, String(error));
    }
  }
});
