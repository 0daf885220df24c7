import { createBuilder } from '../closure/rebuild.ts';
import type { Decoder } from '../wire/decoder.ts';
import { Inbox } from '../wire/inbox.ts';
import { ToHost, ToWorker } from '../wire/messages.ts';
import type { Reader } from '../wire/reader.ts';
import type { Descriptors } from '../wire/sockets.ts';
import { Writer } from '../wire/writer.ts';
import { readArguments, readBoot } from './boot.ts';
import { redirectOutput } from './output.ts';
import type { ProcessInfo, ProcessJob, Target } from './process-info.ts';
import { becomeProcess } from './process-role.ts';

export interface JobOptions {
  readonly isThread: boolean;
  readonly send: (body: Buffer) => void;
  readonly descriptors: Descriptors;
  /** Descriptors whose output is not ours. */
  readonly keptOutput?: readonly number[] | undefined;
  /** Called when the job has come. */
  readonly busy: () => void;
  /** The channel no longer keeps the worker alive, and signals are the user's. */
  readonly release: () => void;
}

/** A thread that handles no interrupt ends as a shell reports a process that died of SIGINT. */
const interruptedExitCode = 130;

/** The side of the channel of a Process: its one job in, what it prints out. A start waits for nothing that only tasks need. */
export class JobRuntime {
  readonly #options: JobOptions;
  readonly #inbox: Inbox;
  readonly #body = new Writer(1024);

  constructor(options: JobOptions) {
    this.#options = options;
    this.#inbox = new Inbox(createBuilder({ from: 'host' }), ToWorker.define, (...record) => this.#record(...record));
    this.#inbox.decoder.descriptors = options.descriptors;
    redirectOutput(options.isThread, (fd, text) => this.#print(fd, text), options.keptOutput);
  }

  accept(body: Uint8Array, attachments: readonly (ArrayBuffer | SharedArrayBuffer)[]): void {
    void this.#inbox.accept(body, attachments);
  }

  #record(
    op: number,
    reader: Reader,
    decoder: Decoder,
    attachments: readonly (ArrayBuffer | SharedArrayBuffer)[],
  ): void {
    switch (op) {
      case ToWorker.boot:
        readBoot(reader, decoder);
        return;
      case ToWorker.process:
        return this.#start(reader, decoder, attachments);
      case ToWorker.interrupt:
        if (!process.emit('SIGINT', 'SIGINT')) process.exit(interruptedExitCode);
        return;
      default:
        throw new Error(`The host sent a Process a record of kind ${op}.`);
    }
  }

  #start(reader: Reader, decoder: Decoder, attachments: readonly (ArrayBuffer | SharedArrayBuffer)[]): void {
    const info = decoder.message(reader) as ProcessInfo;
    decoder.attachments = attachments;
    const { isThread, keptOutput, release, busy } = this.#options;
    busy();
    const print = (text: string): void => {
      if (keptOutput?.includes(2) === true) process.stderr.write(text);
      else this.#print(2, text);
    };
    becomeProcess(info, () => readJob(reader, decoder), { isThread, release, print });
  }

  /** Leaves at once: nothing may come that flushes it. */
  #print(fd: 1 | 2, text: string): void {
    this.#body.u8(ToHost.output);
    this.#body.u8(fd);
    this.#body.string(text);
    this.#options.send(this.#body.take());
  }
}

function readJob(reader: Reader, decoder: Decoder): ProcessJob {
  const self = decoder.message(reader) as ProcessJob['self'];
  if (reader.u8() === 0) {
    for (const arrival of decoder.takeArrivals()) arrival.begin();
    return { self, target: undefined, args: [] };
  }
  const target = decoder.message(reader) as Target;
  return { self, target, args: readArguments(reader, decoder) };
}
