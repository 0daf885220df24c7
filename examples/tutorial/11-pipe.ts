// A pipe between two processes: the child sends, the parent receives; then both directions.
//   parent, child = Pipe()
//   p = Process(target=f, args=(child,)); p.start()
//   print(parent.recv()); p.join()
import assert from 'node:assert/strict';
import { type Connection, Pipe, Process } from 'manycore';
import { transcript } from './transcript.ts';

const lines = transcript();

async function send(end: Connection<string>): Promise<void> {
  await end.send('hello from the child');
  end.close();
}

async function answer(end: Connection<string>): Promise<void> {
  const question = await end.recv();
  await end.send(`${question} Fine, and you?`);
}

const [parent, child] = Pipe<string>();
const p = new Process({ target: send, args: [child] });
p.start();
console.log(await parent.recv());
await p.join();

const [here, there] = Pipe<string>();
const both = new Process({ target: answer, args: [there] });
both.start();
await here.send('How are you?');
console.log(await here.recv());
await both.join();

assert.deepEqual(lines, ['hello from the child', 'How are you? Fine, and you?']);
