import { registry } from '../closure/registry.ts';
import type { Decoder } from '../wire/decoder.ts';
import type { Reader } from '../wire/reader.ts';
import { shared } from './task-context.ts';

export interface Boot {
  readonly workerId: number;
  readonly workerIndex: number;
  readonly concurrency: number;
  readonly cpus: readonly number[] | undefined;
}

/** The part of the record that is the same for all workers, and makes this thread one. */
export function readBoot(reader: Reader, decoder: Decoder): Boot {
  const workerId = reader.varint();
  const workerIndex = reader.varint();
  const nesting = reader.varint();
  const concurrency = reader.varint();
  const [main, script, sourceMaps, name, cpus] = decoder.message(reader) as [
    main: string,
    script: string | undefined,
    sourceMaps: boolean,
    name: string | undefined,
    cpus: readonly number[] | undefined,
  ];
  registry.main = main;
  process.argv.length = 1;
  if (script !== undefined) process.argv.push(script);
  // A loader such as tsx turns them on in the host, by no option that a worker would inherit.
  if (sourceMaps) process.setSourceMapsEnabled(true);
  shared.worker = { id: workerId, nesting, name };
  return { workerId, workerIndex, concurrency, cpus };
}

/** Their sockets are open from now on. */
export function readArguments(reader: Reader, decoder: Decoder): readonly unknown[] {
  const args = decoder.message(reader) as readonly unknown[];
  for (const arrival of decoder.takeArrivals()) arrival.begin();
  return args;
}
