import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Client, Listener } from 'manycore/connection';
import { rejection, testClean } from '../matrix.ts';
import { authKey } from './support.ts';

// CPython 3.14 as WebAssembly, with its own `multiprocessing.connection`: its handshake is HMAC-SHA256 without `legacy`.

const runner = fileURLToPath(new URL('fixtures/newest-python.js', import.meta.url));
const limit = { limit: 60_000 };

/** A program whose connection's other end is this socket, once it is up: that may take longer than anybody waits for a key. */
class Program {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown[]>;
  #printed = '';

  constructor(text: string) {
    this.#child = spawn(process.execPath, [runner, text], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
    this.#child.stdout!.on('data', (part) => (this.#printed += String(part)));
    this.#closed = once(this.#child, 'close');
  }

  async up(): Promise<void> {
    await once(this.#child.stdout!, 'data');
  }

  connect(socket: Socket): void {
    const end = this.#child.stdio[3] as Socket;
    for (const each of [socket, end]) each.on('error', () => {});
    socket.pipe(end).pipe(socket);
  }

  /** What it has printed. */
  async end(): Promise<string> {
    await this.#closed;
    return this.#printed;
  }
}

const values = [
  1,
  -(2n ** 70n),
  2.5,
  'text \u4e00',
  [1, [2]],
  { key: { nested: new Set([1]) } },
  new Map<unknown, unknown>([[1, new Date(5)]]),
  new Uint8Array(100_000).fill(7),
  'x'.repeat(1_000_000),
  [null, true, false],
];

testClean('python 3.14: its client talks to a listener, in its newest handshake (I230, I232)', limit, async () => {
  await using listener = new Listener({ port: 0 }, { authKey });
  await listener.ready;
  const { port } = listener.address as AddressInfo;
  const program = new Program(
    `
answer_challenge(connection, b'${authKey}')
deliver_challenge(connection, b'${authKey}')
connection.send(sys.version_info[:2])
while (x := connection.recv()) is not None:
    connection.send(x)
print(connection.recv_bytes())
connection.send_bytes(b'raw')
try: connection.recv()
except EOFError: print('end')
`,
  );
  await program.up();
  program.connect(connect(port, '127.0.0.1'));
  const here = await listener.accept();
  assert.deepEqual(await here.recv(), [3, 14]);
  for (const value of values) {
    await here.send(value);
    assert.deepEqual(await here.recv(), value);
  }
  await here.send(null);
  await here.sendBytes(Buffer.from('here'));
  assert.equal(String(await here.recvBytes()), '114,97,119');
  here.close();
  assert.equal(await program.end(), "up\nb'here'\nend\n");
});

testClean('python 3.14: a client talks to its listener, and to none without the key (I230, I232)', limit, async () => {
  await using server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accept = async (program: Program): Promise<void> => {
    await program.up();
    server.once('connection', (socket) => program.connect(socket));
  };
  const echo = new Program(`
deliver_challenge(connection, b'${authKey}')
answer_challenge(connection, b'${authKey}')
while (x := connection.recv()) is not None:
    connection.send(x)
`);
  await accept(echo);
  const there = await Client({ port }, { authKey });
  for (const value of values) {
    await there.send(value);
    assert.deepEqual(await there.recv(), value);
  }
  await there.send(null);
  assert.equal(await echo.end(), 'up\n');
  there.close();
  const refusal = new Program(`
from multiprocessing import AuthenticationError
try: deliver_challenge(connection, b'another')
except AuthenticationError as error: print(error)
`);
  await accept(refusal);
  assert.equal((await rejection(Client({ port }, { authKey }))).name, 'AuthenticationError');
  assert.equal(await refusal.end(), 'up\ndigest received was wrong\n');
});
