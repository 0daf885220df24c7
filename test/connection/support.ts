import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Address, Client, Listener, type ListenerOptions, type SocketConnection } from 'manycore/connection';
import { type TestOptions, testClean } from '../matrix.ts';

export const authKey = 'a key of both sides';

const python = spawnSync('python3', ['-c', 'import multiprocessing.connection']).status === 0;

/** Options of a test that needs python3. */
export const withPython: TestOptions = python ? { limit: 30_000 } : { skip: 'there is no python3' };

/** A test with a listener, which is closed afterwards. */
export function testListener(
  name: string,
  options: ListenerOptions & { readonly at?: Address; readonly test?: TestOptions },
  body: (listener: Listener) => Promise<void>,
): void {
  const { at, test = {}, ...rest } = options;
  testClean(name, test, async () => {
    await using listener = new Listener(at, rest);
    await listener.ready;
    await body(listener);
  });
}

/** Both ends of a connection. */
export async function pair(listener: Listener, key?: string): Promise<[SocketConnection, SocketConnection]> {
  return Promise.all([listener.accept(), Client(listener.address, { authKey: key })]);
}

/** What Python prints. */
export function runPython(code: string, input: Uint8Array = Buffer.alloc(0)): Buffer {
  const { stdout, stderr, status } = spawnSync('python3', ['-c', code], { input, maxBuffer: 2 ** 28 });
  assert.equal(status, 0, String(stderr));
  return stdout;
}

/** A Python program that runs beside the test, and must end well. */
export class PythonProgram {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown[]>;
  #said = '';

  constructor(code: string, ...args: readonly string[]) {
    this.#child = spawn('python3', ['-u', '-c', code, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on('data', (text) => (this.#said += String(text)));
    // It may end before anybody asks.
    this.#closed = once(this.#child, 'close');
  }

  get stdin(): NodeJS.WritableStream {
    return this.#child.stdin!;
  }

  /** The first line that it prints. */
  async line(): Promise<string> {
    while (!this.#said.includes('\n')) await once(this.#child.stdout!, 'data');
    return this.#said.split('\n')[0]!;
  }

  /** What it has printed, when it has ended. */
  async end(): Promise<string> {
    const [code] = await this.#closed;
    assert.equal(code, 0, this.#said);
    return this.#said;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** A client that says whatever it likes. */
export class RawClient {
  readonly socket: Socket;
  /** Resolves when the other side has closed the connection. */
  readonly closed: Promise<void>;
  #received: Buffer = Buffer.alloc(0);

  constructor(address: Address | Socket) {
    this.socket =
      typeof address === 'object' && 'write' in address
        ? address
        : connect(typeof address === 'string' ? { path: address } : { ...address });
    this.socket.on('data', (chunk: Buffer) => (this.#received = Buffer.concat([this.#received, chunk])));
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  /** The next message; undefined when the connection ends before. */
  async message(): Promise<Buffer | undefined> {
    for (;;) {
      const all = this.#received;
      if (all.length >= 4 && all.length >= 4 + all.readInt32BE()) {
        this.#received = all.subarray(4 + all.readInt32BE());
        return all.subarray(4, 4 + all.readInt32BE());
      }
      const came = once(this.socket, 'data').then(() => true);
      came.catch(() => undefined);
      if ((await Promise.race([came, this.closed.then(() => false)])) === false) return undefined;
    }
  }

  /** The random part of the challenge that comes next, as it is to be answered. */
  async challenge(): Promise<Buffer> {
    const message = await this.message();
    assert.equal(message?.toString('latin1', 0, 11), '#CHALLENGE#');
    return message.subarray(11);
  }

  send(message: string | Uint8Array): void {
    this.socket.write(framed(message));
  }
}

export function framed(message: string | Uint8Array): Buffer {
  const bytes = Buffer.from(message as Uint8Array);
  const head = Buffer.alloc(4);
  head.writeInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}
