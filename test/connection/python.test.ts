import { strict as assert } from 'node:assert';
import { Client, Listener } from 'manycore/connection';
import { rejection, testClean } from '../matrix.ts';
import { authKey, PythonProgram, withPython } from './support.ts';

// Python here may be of any version: up to 3.11 it knows the old handshake only, so these say `legacy`.

const echo = `
import sys
from multiprocessing.connection import Client
address = eval(sys.argv[1])
with Client(address, authkey=sys.argv[2].encode() if len(sys.argv) > 2 else None) as c:
    while (x := c.recv()) is not None:
        c.send(x)
    c.send_bytes(c.recv_bytes())
    try: c.recv()
    except EOFError: print('end')
`;

const serve = `
import sys
from multiprocessing.connection import Listener, AuthenticationError
with Listener(eval(sys.argv[1]), authkey=sys.argv[2].encode() if len(sys.argv) > 2 else None) as l:
    print(l.address if isinstance(l.address, str) else l.address[1])
    while True:
        try:
            with l.accept() as c:
                while (x := c.recv()) is not None:
                    c.send(x)
                c.send_bytes(c.recv_bytes())
            break
        except AuthenticationError as e:
            print('refused:', e)
`;

const values = [
  1,
  2.5,
  'text',
  [1, [2]],
  { key: { nested: new Set([1]) } },
  new Map([[1, new Date(5)]]),
  2n ** 70n,
  new Uint8Array(100_000),
  'x'.repeat(1_000_000),
];

for (const key of [authKey, undefined])
  for (const tcp of [false, true]) {
    const how = `${tcp ? 'TCP' : 'a Unix socket'}, ${key === undefined ? 'without' : 'with'} a key`;

    testClean(`python: its Client talks to a listener over ${how} (I232)`, withPython, async () => {
      await using listener = new Listener(tcp ? { port: 0 } : undefined, { authKey: key, legacy: true });
      await listener.ready;
      const { address } = listener;
      const where = typeof address === 'string' ? JSON.stringify(address) : `('127.0.0.1', ${address.port})`;
      const program = new PythonProgram(echo, where, ...(key === undefined ? [] : [key]));
      const here = await listener.accept();
      for (const value of values) {
        await here.send(value);
        assert.deepEqual(await here.recv(), value);
      }
      await here.send(null);
      await here.sendBytes(new Uint8Array(50_000).fill(3));
      assert.deepEqual(await here.recvBytes(), new Uint8Array(50_000).fill(3));
      here.close();
      assert.equal(await program.end(), 'end\n');
    });

    testClean(`python: a client talks to its Listener over ${how} (I232)`, withPython, async () => {
      const program = new PythonProgram(serve, tcp ? "('127.0.0.1', 0)" : 'None', ...(key === undefined ? [] : [key]));
      const line = await program.line();
      const address = tcp ? { port: Number(line) } : line;
      const refused: string[] = [];
      if (key !== undefined) {
        const error = await rejection(Client(address, { authKey: 'another', legacy: true }));
        assert.match(error.message, /the digest sent was rejected/);
        refused.push('refused: digest received was wrong');
      }
      const there = await Client(address, { authKey: key, legacy: true });
      for (const value of values) {
        await there.send(value);
        assert.deepEqual(await there.recv(), value);
      }
      await there.send(undefined);
      await there.sendBytes(new Uint8Array());
      assert.deepEqual(await there.recvBytes(), new Uint8Array());
      assert.equal((await rejection(there.recv())).name, 'EndOfFileError');
      there.close();
      assert.equal(await program.end(), [line, ...refused, ''].join('\n'));
    });
  }

testClean('python: a Client with a wrong key is refused, and the next one is not (I230)', withPython, async () => {
  await using listener = new Listener(undefined, { authKey, legacy: true });
  const wrong = new PythonProgram(
    `
import sys
from multiprocessing.connection import Client, AuthenticationError
try: Client(sys.argv[1], authkey=b'wrong')
except AuthenticationError as e: print(e)
`,
    listener.address as string,
  );
  assert.match((await rejection(listener.accept())).message, /digest received was wrong/);
  assert.equal(await wrong.end(), 'digest sent was rejected\n');
  const right = new PythonProgram(echo, JSON.stringify(listener.address), authKey);
  const here = await listener.accept();
  await here.send(null);
  await here.sendBytes(new Uint8Array(1));
  await here.recvBytes();
  here.close();
  await right.end();
});

testClean('python: a listener that ends in the middle of the handshake is a lost connection', withPython, async () => {
  // Its own functions, up to the point where it ends: before it asks, and when it has heard the answer.
  for (const until of ['', 'deliver_challenge(c, key)']) {
    const program = new PythonProgram(`
import os, socket
from multiprocessing.connection import Connection, deliver_challenge
key = b'${authKey}'
s = socket.create_server(('127.0.0.1', 0))
print(s.getsockname()[1])
c = Connection(s.accept()[0].detach())
${until}
os._exit(0)
`);
    const address = { port: Number(await program.line()) };
    const error = await rejection(Client(address, { authKey, legacy: true }));
    assert.equal(error.name, 'ConnectionLostError', until);
    await program.end();
  }
});

testClean('python: a client that ends in the middle of the handshake is a lost connection', withPython, async () => {
  await using listener = new Listener(undefined, { authKey, legacy: true });
  for (const until of ['', 'answer_challenge(c, key)']) {
    const program = new PythonProgram(
      `
import os, socket, sys
from multiprocessing.connection import Connection, answer_challenge
key = b'${authKey}'
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
c = Connection(s.detach())
${until}
os._exit(0)
`,
      listener.address as string,
    );
    assert.equal((await rejection(listener.accept())).name, 'ConnectionLostError', until);
    await program.end();
  }
  const right = new PythonProgram(echo, JSON.stringify(listener.address), authKey);
  const here = await listener.accept();
  await here.send(null);
  await here.sendBytes(new Uint8Array(1));
  await here.recvBytes();
  here.close();
  await right.end();
});

testClean('python: many clients at its Listener, which lets few wait', withPython, async () => {
  const program = new PythonProgram(`
from multiprocessing.connection import Listener
with Listener(None, authkey=b'k') as l:
    print(l.address)
    for i in range(30):
        with l.accept() as c: c.send(i)
`);
  const address = await program.line();
  const got = await Promise.all(
    Array.from({ length: 30 }, async () => {
      using client = await Client<never, number>(address, { authKey: 'k', legacy: true });
      return await client.recv();
    }),
  );
  assert.deepEqual(
    got.toSorted((a, b) => a - b),
    Array.from({ length: 30 }, (_, i) => i),
  );
  await program.end();
});

testClean('python: a client that is killed is an end for the other side (I17)', withPython, async () => {
  await using listener = new Listener();
  const program = new PythonProgram(
    "import sys, multiprocessing.connection as m; c = m.Client(sys.argv[1]); c.send('here'); sys.stdin.read()",
    listener.address as string,
  );
  const here = await listener.accept();
  assert.equal(await here.recv(), 'here');
  const ended = rejection(here.recv());
  program.kill();
  assert.equal((await ended).name, 'EndOfFileError');
  here.close();
  await rejection(program.end());
});

const modern = `
import hmac, os, sys
from multiprocessing.connection import Client, Listener
key = b'${authKey}'

def deliver(c):
    message = b'{sha256}' + os.urandom(40)
    c.send_bytes(b'#CHALLENGE#' + message)
    response = c.recv_bytes(256)
    ok = hmac.compare_digest(response, b'{sha256}' + hmac.new(key, message, 'sha256').digest())
    c.send_bytes(b'#WELCOME#' if ok else b'#FAILURE#')
    assert ok, response

def answer(c):
    message = c.recv_bytes(256)
    assert message[:11] == b'#CHALLENGE#' and message[11:19] == b'{sha256}' and len(message) == 59, message
    c.send_bytes(b'{sha256}' + hmac.new(key, message[11:], 'sha256').digest())
    assert c.recv_bytes(256) == b'#WELCOME#'
`;

testClean(
  'python: the handshake of 3.12 and later, spoken step by step, both ways (I231, I232)',
  withPython,
  async () => {
    await using listener = new Listener(undefined, { authKey });
    const client = new PythonProgram(
      `${modern}
c = Client(sys.argv[1]); answer(c); deliver(c); c.send('hello'); print(c.recv())`,
      listener.address as string,
    );
    const here = await listener.accept();
    assert.equal(await here.recv(), 'hello');
    await here.send('and back');
    assert.equal(await client.end(), 'and back\n');
    here.close();

    const server = new PythonProgram(`${modern}
l = Listener(); print(l.address, flush=True); c = l.accept(); deliver(c); answer(c); c.send(c.recv())`);
    const there = await Client(await server.line(), { authKey });
    await there.send(['echo']);
    assert.deepEqual(await there.recv(), ['echo']);
    there.close();
    await server.end();
  },
);

testClean(
  'python: without `legacy` the old handshake is refused on both sides, with what to do (I7)',
  withPython,
  async () => {
    await using listener = new Listener(undefined, { authKey });
    const old = new PythonProgram(
      `
import sys, hmac
from multiprocessing.connection import Client
c = Client(sys.argv[1])
c.send_bytes(hmac.new(b'${authKey}', c.recv_bytes()[11:], 'md5').digest())
print(c.recv_bytes().decode())`,
      listener.address as string,
    );
    assert.match((await rejection(listener.accept())).message, /legacy: true/);
    assert.equal(await old.end(), '#FAILURE#\n');
    const server = new PythonProgram(`
import os
from multiprocessing.connection import Listener
l = Listener(); print(l.address, flush=True); c = l.accept(); c.send_bytes(b'#CHALLENGE#' + os.urandom(20))
try: c.recv_bytes()
except EOFError: print('gone')`);
    assert.match((await rejection(Client(await server.line(), { authKey }))).message, /legacy: true/);
    assert.match(await server.end(), /gone/);
  },
);
