// A pipe between two children of one parent, and several writers at one end: every message is whole.
//   r, w = Pipe(duplex=False)
//   p1 = Process(target=send, args=(w, lock)); p2 = Process(target=recv, args=(r,))
// In Python several writers take a lock around `send`. Here messages never mix.
import assert from 'node:assert/strict';
import { type Connection, Pipe, Process, Queue } from 'manycore';

async function send(end: Connection<string>, letter: string): Promise<void> {
  for (let i = 1; i <= 50; i++) await end.send(letter.repeat(i * 100));
  end.close();
}

async function receive(end: Connection<string>, report: Queue<number>): Promise<void> {
  let whole = 0;
  for await (const message of end) if (new Set(message).size === 1) whole++;
  await report.put(whole);
}

const [r, w] = Pipe<string>({ duplex: false });
const report = new Queue<number>();
const reader = new Process({ target: receive, args: [r, report] }).start();
const writers = ['a', 'b', 'c'].map((letter) => new Process({ target: send, args: [w, letter] }).start());
// The children have ends of their own. The reader sees the end when all that send are closed, this one too.
r.close();
w.close();
await Promise.all([reader, ...writers].map((process) => process.join()));

const whole = await report.get();
console.log(`${whole} messages of three writers, all whole`);
assert.equal(whole, 150);
