// A queue: a child puts, the parent gets. Then three instruments that put readings and two that work on them.
//   q = Queue()
//   p = Process(target=f, args=(q,)); p.start()
//   print(q.get()); p.join()
import assert from 'node:assert/strict';
import { Process, Queue } from 'manycore';

interface Reading {
  readonly instrument: number;
  readonly voltage: number;
  readonly waveform: Float64Array;
}

async function put(q: Queue): Promise<void> {
  await q.put([42, null, 'hello']);
}

async function measure(readings: Queue<Reading>, instrument: number): Promise<void> {
  for (let i = 0; i < 20; i++) {
    const waveform = Float64Array.from({ length: 100 }, (_, t) => Math.sin((t * (i + 1)) / 10));
    await readings.put({ instrument, voltage: i, waveform });
  }
}

async function work(readings: Queue<Reading>, results: Queue<string>): Promise<void> {
  for await (const { instrument, voltage, waveform } of readings) {
    const peak = waveform.reduce((most, value) => Math.max(most, value), 0);
    await results.put(`${instrument}:${voltage}${peak > 0.9 ? '' : ' is weak'}`);
  }
}

const q = new Queue();
const p = new Process({ target: put, args: [q] });
p.start();
console.log(await q.get());
await p.join();

const readings = new Queue<Reading>(10);
const results = new Queue<string>();
const instruments = [1, 2, 3].map((number) => new Process({ target: measure, args: [readings, number] }).start());
const workers = [1, 2].map(() => new Process({ target: work, args: [readings, results] }).start());
await Promise.all(instruments.map((instrument) => instrument.join()));
// In Python one puts a `None` for each worker.
readings.shutdown();
await Promise.all(workers.map((worker) => worker.join()));

const seen = new Set<string>();
while (!results.empty()) seen.add(await results.get());
console.log(`${seen.size} readings of 3 instruments by 2 workers`);
assert.equal(seen.size, 60, 'every reading exactly once');
