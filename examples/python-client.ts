// A service in TypeScript that Python programs call: it counts words on all cores. Without python3 a TypeScript client takes its place.
//   from multiprocessing.connection import Client
//   with Client(address, authkey=b'secret') as c:
//       c.send('to be or not to be')
//       print(c.recv())
import assert from 'node:assert/strict';
import { spawnSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Pool } from 'manycore';
import { Client, Listener } from 'manycore/connection';

const authKey = 'secret';
const texts = ['to be or not to be', 'a rose is a rose is a rose'];

function count(text: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of text.split(' ')) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

const python = `
import sys
from multiprocessing.connection import Client
with Client(sys.argv[1], authkey=b'secret') as c:
    for text in sys.argv[2:]:
        c.send(text)
        print(max(c.recv().items(), key=lambda item: item[1]))
`;

async function ask(address: string): Promise<void> {
  if (spawnSync('python3', ['--version']).status === 0) {
    const child = spawn('python3', ['-c', python, address, ...texts], { stdio: ['ignore', 'inherit', 'inherit'] });
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 0);
    return;
  }
  console.log('(there is no python3: asking from here)');
  using client = await Client<string, Record<string, number>>(address, { authKey });
  for (const text of texts) {
    await client.send(text);
    console.log(Object.entries(await client.recv()).toSorted(([, a], [, b]) => b - a)[0]);
  }
}

await using pool = new Pool(2);
// `legacy`: Python up to 3.11 shows the key by MD5.
await using listener = new Listener<Record<string, number>, string>(undefined, { authKey, legacy: true });
const asked = ask(listener.address as string);
let answered = 0;
using connection = await listener.accept();
for await (const text of connection) {
  await connection.send(await pool.apply(count, [text]));
  answered++;
}
await asked;
assert.equal(answered, texts.length);
