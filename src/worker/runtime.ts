import type { StatusPage } from '../channel/status-page.ts';
import { createBuilder } from '../closure/rebuild.ts';
import type { Encoder } from '../wire/encoder.ts';
import { encodeThrown } from '../wire/error-codec.ts';
import type { Decoder } from '../wire/decoder.ts';
import { Inbox } from '../wire/inbox.ts';
import { ToHost, ToWorker } from '../wire/messages.ts';
import { Outbox } from '../wire/outbox.ts';
import type { Reader } from '../wire/reader.ts';
import type { Descriptors } from '../wire/sockets.ts';
import { maxFrameBytes } from '../limits.ts';
import { monotonicMs } from '../monotonic.ts';
import { inspect } from 'node:util';
import { Answers, type SendFrame } from './answers.ts';
import { readBatch, type Batch } from './batch.ts';
import { readArguments, readBoot } from './boot.ts';
import { KnownFunction, type TaskFunction } from './known-function.ts';
import { Loop } from './loop.ts';
import { redirectOutput } from './output.ts';
import { place } from './place.ts';

export interface RuntimeOptions {
  readonly isThread: boolean;
  readonly page: StatusPage;
  readonly encoder: Encoder;
  readonly send: SendFrame;
  readonly descriptors: Descriptors;
  /** Descriptors whose output is not ours. */
  readonly keptOutput?: readonly number[] | undefined;
  /** Called when the first task has come. */
  readonly busy: () => void;
  /** Ends the worker with its exit handlers. */
  readonly exit: () => void;
  /** Resident memory in bytes, as far as it is this worker's. */
  readonly memory: () => number;
}

const memoryEveryMs = 100;
/** Printed text leaves at the latest when it is this much. */
const outputBytes = 16 * 1024;

/** The side of the channel of a pool's worker: records in, answers out. The same for processes and threads. */
export class Runtime {
  readonly #options: RuntimeOptions;
  readonly #outbox: Outbox;
  readonly #answers: Answers;
  readonly #inbox: Inbox;
  readonly #functions = new Map<number, KnownFunction>();
  #loop: Loop | undefined;
  #finalizer: TaskFunction | undefined;
  #busy = false;
  #closing = false;
  #memoryMs = 0;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.encoder, ToHost.define);
    this.#answers = new Answers(this.#outbox, options.send, options.isThread ? Infinity : maxFrameBytes);
    this.#inbox = new Inbox(createBuilder({ from: 'host' }), ToWorker.define, (...record) => this.#record(...record), {
      loads: this.#reads,
    });
    this.#inbox.decoder.descriptors = options.descriptors;
    redirectOutput(options.isThread, (fd, text) => this.#print(fd, text), options.keptOutput);
    process.on('uncaughtException', this.#uncaught);
    process.on('unhandledRejection', this.#uncaught);
    process.on('exit', () => {
      this.#answers.flush();
      this.#unbuffered = true;
    });
  }

  accept(body: Uint8Array, attachments: readonly (ArrayBuffer | SharedArrayBuffer)[]): void {
    void this.#inbox.accept(body, attachments);
  }

  #record(
    op: number,
    reader: Reader,
    decoder: Decoder,
    attachments: readonly (ArrayBuffer | SharedArrayBuffer)[],
  ): void | Promise<void> {
    switch (op) {
      case ToWorker.boot:
        return this.#boot(reader, decoder, attachments);
      case ToWorker.function:
        return this.#learn(reader, decoder, attachments);
      case ToWorker.forget:
        this.#functions.delete(reader.varint());
        return undefined;
      case ToWorker.run:
        this.#run(readBatch(reader, decoder, attachments, this.#functions, this.#reads));
        return undefined;
      case ToWorker.cancel:
        this.#loop!.cancel(reader.varint(), reader.u8() === 1 ? 'timeout' : 'abort');
        return undefined;
      case ToWorker.close:
        this.#closing = true;
        this.#idle();
        return undefined;
      default:
        throw new Error(`The host sent a record of unknown kind ${op}.`);
    }
  }

  #boot(
    reader: Reader,
    decoder: Decoder,
    attachments: readonly (ArrayBuffer | SharedArrayBuffer)[],
  ): void | Promise<void> {
    const { workerId, workerIndex, concurrency, cpus } = readBoot(reader, decoder);
    const { page } = this.#options;
    const host = {
      workerId,
      workerIndex,
      stop: (state: { slot: number; sequence: number }) => page.stop(state.slot, state.sequence),
      progress: (state: { sequence: number }, done: number, total: number | undefined) => {
        this.#answers.report(state.sequence, done, total);
        this.#flushSoon();
      },
      log: (state: { id: number }, values: readonly unknown[]) =>
        this.#print(
          2,
          `[task ${state.id}] ${values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' ')}\n`,
        ),
    };
    this.#loop = new Loop(page, this.#answers, concurrency, host, () => this.#idle());
    decoder.attachments = attachments;
    try {
      place({ nice: undefined, cpus }, this.#options.isThread);
      if (reader.u8() === 1) this.#finalizer = decoder.message(reader) as TaskFunction;
      if (reader.u8() === 0) return this.#ready(0);
      const initializer = decoder.message(reader) as TaskFunction;
      const sinceMs = monotonicMs();
      const ready = (): void => this.#ready(monotonicMs() - sinceMs);
      const result = initializer(...readArguments(reader, decoder));
      if (typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') return ready();
      return Promise.resolve(result).then(ready, (error: unknown) => this.#bootFailed(error));
    } catch (error) {
      return this.#bootFailed(error);
    }
  }

  #ready(initializerMs: number): void {
    this.#outbox.body.u8(ToHost.ready);
    this.#outbox.body.varint(process.pid);
    this.#outbox.body.u8(this.#options.page.shared ? 1 : 0);
    this.#outbox.body.f64(initializerMs);
    this.#answers.flush();
  }

  /** The initializer failed: the host is told why, and this worker does nothing more. */
  #bootFailed(error: unknown): Promise<void> {
    this.#outbox.body.u8(ToHost.bootFailed);
    encodeThrown(this.#options.encoder, this.#outbox.body, error);
    this.#answers.flush();
    this.#options.exit();
    return new Promise(() => {});
  }

  /** What is read may run code of the user's: a class's module, setters. When it ends this worker, the host knows by which item. */
  readonly #reads = (sequence: number): void => this.#options.page.setReading(sequence);

  #run(batch: Batch): void {
    this.#options.page.setReading(undefined);
    if (!this.#busy) this.#options.busy();
    this.#busy = true;
    this.#loop!.add(batch);
  }

  #learn(reader: Reader, decoder: Decoder, attachments: readonly (ArrayBuffer | SharedArrayBuffer)[]): void {
    const number = reader.varint();
    this.#reads(reader.varint());
    const constant = reader.u8() === 1;
    const bytes = reader.raw(reader.u32());
    this.#functions.set(number, new KnownFunction(bytes, attachments, decoder, constant));
  }

  #idle(): void {
    const now = monotonicMs();
    if (now - this.#memoryMs > memoryEveryMs) {
      this.#memoryMs = now;
      this.#options.page.memoryMiB = Math.round(this.#options.memory() / 2 ** 20);
    }
    if (this.#closing && this.#loop?.isIdle !== false) this.#end();
  }

  /** Nothing more comes. */
  #end(): void {
    const finalizer = this.#finalizer;
    if (finalizer === undefined) return this.#options.exit();
    this.#closing = false;
    void this.#finalize(finalizer);
  }

  async #finalize(finalizer: TaskFunction): Promise<void> {
    try {
      this.#finalized({ status: 'fulfilled', value: await finalizer() });
    } catch (reason) {
      this.#finalized({ status: 'rejected', reason });
    }
    this.#options.exit();
  }

  #finalized(outcome: PromiseSettledResult<unknown>): void {
    const { body, encoder } = this.#outbox;
    this.#answers.cut();
    const start = body.length;
    body.u8(ToHost.finalized);
    body.u8(outcome.status === 'rejected' ? 1 : 0);
    if (outcome.status === 'rejected') encodeThrown(encoder, body, outcome.reason);
    else
      try {
        encoder.message(body, outcome.value, 'result');
      } catch (error) {
        body.length = start;
        return this.#finalized({ status: 'rejected', reason: error });
      }
    this.#answers.flush();
  }

  #print(fd: 1 | 2, text: string): void {
    const bytes = this.#answers.note((body) => {
      body.u8(ToHost.output);
      body.u8(fd);
      body.string(text);
    });
    this.#flushSoon(this.#unbuffered || bytes > outputBytes);
  }

  /** What is printed leaves at once: nothing may come that flushes it. */
  #unbuffered = false;
  #flushing = false;

  /** A task that prints or reports and then computes for long is heard at once; one that floods is heard in bulk. */
  #flushSoon(now = false): void {
    this.#answers.flushIfDue(now ? Infinity : monotonicMs());
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#answers.flush();
    }).unref();
  }

  /** An error outside of any task. The worker tells the host, finishes what runs, and is replaced. */
  readonly #uncaught = (error: unknown): void => {
    const blamed = this.#loop?.blame(error) ?? false;
    const { body } = this.#outbox;
    body.u8(ToHost.uncaught);
    body.u8(blamed ? 1 : 0);
    encodeThrown(this.#options.encoder, body, error);
    this.#answers.flush();
    this.#loop?.stop();
  };
}
