// A pre-forked TCP server: the parent accepts, and hands each connection to a process of a pool.
//   def handle(conn): data = conn.recv(1024); conn.sendall(b'%d: ' % os.getpid() + data); conn.close()
//   server = socket(); server.bind(('', 8080)); server.listen(5); pool = Pool(4)
//   while True: conn, addr = server.accept(); pool.apply_async(handle, (conn,))
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Pool } from 'manycore';

async function handle(socket: Socket): Promise<void> {
  socket.setEncoding('utf8');
  const [request] = (await once(socket, 'data')) as [string];
  const until = performance.now() + 5; // some work
  while (performance.now() < until);
  socket.end(`${process.pid}: ${request.toUpperCase()}`);
  await once(socket, 'close');
}

const pool = new Pool(4);
const tasks: Promise<void>[] = [];
// Nothing is read of a connection here: all of it is for the process that gets it.
const server = createServer({ pauseOnConnect: true }, (socket) => {
  tasks.push(pool.apply(handle, [socket]));
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
console.log(`process ${process.pid} listens`);

async function client(name: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket.write(`hello from ${name}`);
  let answer = '';
  for await (const chunk of socket as AsyncIterable<string>) answer += chunk;
  return answer;
}

const names = Array.from({ length: 40 }, (_, i) => `client ${i}`);
const answers = await Promise.all(names.map(client));
await Promise.all(tasks);

const pids = new Map<string, number>();
for (const [i, answer] of answers.entries()) {
  const [pid = '', text] = answer.split(': ');
  assert.equal(text, `HELLO FROM CLIENT ${i}`);
  pids.set(pid, (pids.get(pid) ?? 0) + 1);
}
for (const [pid, count] of pids) console.log(`process ${pid} answered ${count} clients`);
assert.ok(pids.size > 1);
assert.ok(!pids.has(String(process.pid)));

server.close();
await pool.terminate();
