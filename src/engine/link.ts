import { later } from '../blocking/later.ts';
import type { Channel, ChannelExit, OpenChannel } from '../channel/channel.ts';
import { widen, type StopReason } from '../channel/status-page.ts';
import { mainUrl } from '../closure/main-module.ts';
import { createBuilder } from '../closure/rebuild.ts';
import { ProtocolError } from '../errors.ts';
import { withoutStops } from '../program/stops.ts';
import { decodeColumn } from '../wire/column.ts';
import type { Decoder } from '../wire/decoder.ts';
import type { EncodedMessage } from '../wire/encoded-message.ts';
import { Encoder } from '../wire/encoder.ts';
import { decodeThrown } from '../wire/error-codec.ts';
import { Inbox } from '../wire/inbox.ts';
import { ToHost, ToWorker } from '../wire/messages.ts';
import { Outbox } from '../wire/outbox.ts';
import type { Reader } from '../wire/reader.ts';
import { createReader } from '../closure/capture.ts';
import type { LinkEvents } from './events.ts';
import { LeaseWriter } from './lease-writer.ts';
import { SocketLedger } from './socket-ledger.ts';
import type { Lease, Link, WorkerExit } from './task.ts';

export interface LinkOptions {
  readonly workerId: number;
  readonly workerIndex: number;
  readonly nesting: number;
  readonly concurrency: number;
  readonly shares: boolean;
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly open: OpenChannel;
  /** What it is called. */
  readonly name: string | undefined;
  /** The cores that it runs on. */
  readonly cpus: readonly number[] | undefined;
  readonly initializer: { readonly fn: EncodedMessage; readonly args: EncodedMessage } | undefined;
  readonly finalizer: EncodedMessage | undefined;
  readonly output: (fd: 1 | 2, text: string) => void;
  /** What the finalizer returned or threw. */
  readonly finalized: (outcome: PromiseSettledResult<unknown>) => void;
  /** An error that no task caught. `blamed`: it failed a task; otherwise it belongs to none. */
  readonly uncaught: (error: Error, blamed: boolean) => void;
}

/** A frame leaves when it is this large, also before the dispatcher has written all. */
const eagerFlushBytes = 512 * 1024;

/** The host's side of one worker: leases become records, records become events. */
export class WorkerLink implements Link {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  readonly #channel: Channel;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #sockets = new SocketLedger();
  readonly #leases: LeaseWriter;
  #next = 0;
  #shared = true;
  #held = false;
  #bootError: Error | undefined;
  #protocolError: Error | undefined;
  /** Tells of the worker's end, once its last answers are processed. */
  #reportExit: (() => void) | undefined;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#outbox = new Outbox(
      new Encoder(createReader({ toward: 'worker' }), { shares: options.shares, hands: true }),
      ToWorker.define,
    );
    this.#leases = new LeaseWriter(this.#outbox, this.#sockets, () => this.#leave());
    this.#inbox = new Inbox(createBuilder({ from: 'worker' }), ToHost.define, (...record) => this.#record(...record), {
      caughtUp: () => this.#caughtUp(),
    });
    this.#channel = options.open(
      {
        generation: options.workerId,
        slots: options.concurrency,
        execArgv: options.execArgv,
        env: options.env,
        name: options.name,
      },
      { frame: (body, attachments) => this.#frame(body, attachments), exit: (exit) => this.#exited(exit) },
    );
    this.#boot();
  }

  get pid(): number | undefined {
    return this.#channel.pid;
  }

  get memoryMiB(): number {
    return this.#channel.page.memoryMiB;
  }

  get keptBytes(): number {
    return this.#channel.keptBytes;
  }

  #boot(): void {
    const { initializer, finalizer } = this.#options;
    const { body, encoder } = this.#outbox;
    writeBoot(this.#outbox, this.#options);
    body.u8(finalizer === undefined ? 0 : 1);
    finalizer?.embed(encoder, body);
    body.u8(initializer === undefined ? 0 : 1);
    initializer?.fn.embed(encoder, body);
    initializer?.args.embed(encoder, body);
    // What goes wrong is told to who starts the worker.
    this.#send();
  }

  send(lease: Lease): { readonly taken: number; readonly error?: Error } {
    const outcome = this.#leases.write(lease);
    this.#next = lease.sequence + outcome.taken;
    if (outcome.error === undefined && this.#outbox.size > eagerFlushBytes) this.flush();
    return outcome;
  }

  /** Keeps what is sent back for a while. */
  hold(ms: number): void {
    if (this.#held) return;
    this.#held = true;
    later(ms, () => {
      this.#held = false;
      this.flush();
    });
  }

  flush(): void {
    if (!this.#held && !this.#outbox.empty) this.#leave();
  }

  #leave(): void {
    try {
      this.#send();
    } catch (error) {
      this.#fault(error, 'A message to a worker could not be sent');
    }
  }

  #send(): void {
    const { parts, attachments } = this.#outbox.take();
    this.#channel.send(parts, attachments);
  }

  begun(): number {
    return widen(this.#channel.page.begun(), this.#next);
  }

  takeBack(next: number): number {
    const first = widen(this.#channel.page.takeBack(next), next);
    this.#sockets.returned(first);
    return first;
  }

  get canTakeBack(): boolean {
    return this.#shared && this.#channel.page.shared;
  }

  running(): readonly { readonly sequence: number; readonly sinceMs: number }[] {
    const running = [];
    for (let i = 0; i < this.#options.concurrency; i++) {
      const slot = this.#channel.page.slot(i);
      if (slot !== undefined)
        running.push({ sequence: widen(slot.sequence, this.#next), sinceMs: withoutStops(slot.sinceMs) });
    }
    return running;
  }

  current(): number {
    return widen(this.#channel.page.current(), this.#next);
  }

  reading(): number | undefined {
    const word = this.#channel.page.reading();
    return word === undefined ? undefined : widen(word, this.#next);
  }

  cancel(sequence: number, why: StopReason): void {
    const { page } = this.#channel;
    const late = why === 'timeout';
    const { concurrency } = this.#options;
    for (let i = 0; i < concurrency; i++) {
      // Synchronous tasks run in blocks: the slot names the first of the block.
      const runs = concurrency === 1 ? page.current() : page.slot(i)?.sequence;
      if (runs === (sequence | 0)) page.cancel(i, sequence, late);
    }
    this.#outbox.body.u8(ToWorker.cancel);
    this.#outbox.body.varint(sequence);
    this.#outbox.body.u8(late ? 1 : 0);
    this.flush();
  }

  close(): void {
    this.#outbox.body.u8(ToWorker.close);
    this.flush();
  }

  kill(force: boolean): void {
    this.#channel.kill(force);
  }

  suspend(suspended: boolean): void {
    this.#channel.suspend(suspended);
  }

  destroy(): void {
    this.#channel.destroy();
  }

  #frame(body: Uint8Array, attachments: readonly (ArrayBuffer | SharedArrayBuffer)[]): void {
    if (this.#protocolError !== undefined) return;
    try {
      const wait = this.#inbox.accept(body, attachments);
      if (wait === undefined) this.#events.settled();
      else
        wait.catch((error: unknown) => {
          this.#fault(error);
          this.#reportExit?.();
        });
    } catch (error) {
      this.#fault(error);
    }
  }

  #caughtUp(): void {
    this.#events.settled();
    this.#reportExit?.();
  }

  /** What the worker and its host say to each other is nonsense: it is ended, and what it holds is lost with it. */
  #fault(error: unknown, what = "A worker's message could not be read"): void {
    this.#protocolError =
      error instanceof ProtocolError ? error : new ProtocolError(`${what}: ${String(error)}`, { cause: error });
    this.#channel.kill(true);
  }

  #record(
    op: number,
    reader: Reader,
    decoder: Decoder,
    attachments: readonly (ArrayBuffer | SharedArrayBuffer)[],
  ): void {
    decoder.attachments = attachments;
    switch (op) {
      case ToHost.ready: {
        const pid = reader.varint();
        this.#shared = reader.u8() === 1;
        return this.#events.ready(this.#options.shares ? this.#channel.pid : pid, reader.f64());
      }
      case ToHost.succeeded:
        return this.#succeeded(reader, decoder);
      case ToHost.failed: {
        const sequence = reader.varint();
        const kind = reader.u8() === 1 ? 'unsendable' : 'error';
        this.#events.took(sequence, 1, reader.f64());
        this.#sockets.over(sequence);
        return this.#events.failed(sequence, decodeThrown(decoder, reader), kind);
      }
      case ToHost.output: {
        const fd = reader.u8() === 2 ? 2 : 1;
        return this.#options.output(fd, reader.string());
      }
      case ToHost.uncaught: {
        const blamed = reader.u8() === 1;
        return this.#options.uncaught(decodeThrown(decoder, reader), blamed);
      }
      case ToHost.bootFailed:
        this.#bootError = decodeThrown(decoder, reader);
        return undefined;
      case ToHost.finalized: {
        const failed = reader.u8() === 1;
        return this.#options.finalized(
          failed ? { status: 'rejected', reason: decodeThrown(decoder, reader) } : lastResult(decoder, reader),
        );
      }
      case ToHost.received:
        return this.#sockets.received(reader.varint());
      case ToHost.progress: {
        const sequence = reader.varint();
        const done = reader.f64();
        const total = reader.f64();
        return this.#events.progressed(sequence, done, Number.isNaN(total) ? undefined : total);
      }
      default:
        throw new ProtocolError(`A worker sent a record of unknown kind ${op}.`);
    }
  }

  #succeeded(reader: Reader, decoder: Decoder): void {
    const sequence = reader.varint();
    const count = reader.varint();
    const ms = reader.f64();
    let failures: Map<number, unknown> | undefined;
    const values = decodeColumn(decoder, reader, count, (index, error) => (failures ??= new Map()).set(index, error));
    this.#events.took(sequence, count, ms);
    if (failures === undefined) return this.#events.succeeded(sequence, values);
    // By number: those that could not be read are holes.
    for (let i = 0; i < count; i++) {
      if (failures.has(i)) this.#events.failed(sequence + i, failures.get(i) as Error, 'unsendable');
      else this.#events.succeeded(sequence + i, [values[i]]);
    }
  }

  #exited(exit: ChannelExit): void {
    const report = (): void => {
      const { exitCode, signal, lastWords, oomHint } = exit;
      this.#sockets.exited(Math.min(this.begun(), this.current() + 1));
      const protocolError = this.#protocolError ?? (exit.error instanceof ProtocolError ? exit.error : undefined);
      const bootError = this.#bootError ?? (protocolError === undefined ? exit.error : undefined);
      const worker: WorkerExit = { exitCode, signal, lastWords, oomHint, protocolError, bootError };
      this.#events.exited(worker);
    };
    // Answers that wait for a module to load are still answers.
    if (this.#inbox.isWaiting) this.#reportExit = report;
    else report();
  }
}

/** What a finalizer returned. Nothing follows it, so that nothing is lost when it cannot be read. */
function lastResult(decoder: Decoder, reader: Reader): PromiseSettledResult<unknown> {
  try {
    return { status: 'fulfilled', value: decoder.message(reader) };
  } catch (reason) {
    reader.at = reader.end;
    return { status: 'rejected', reason };
  }
}

/** The start of a worker's first record; its finalizer and initializer follow. */
export function writeBoot(
  { body, encoder }: Outbox,
  options: Pick<LinkOptions, 'workerId' | 'workerIndex' | 'nesting' | 'concurrency' | 'name' | 'cpus'>,
): void {
  body.u8(ToWorker.boot);
  body.varint(options.workerId);
  body.varint(options.workerIndex);
  body.varint(options.nesting);
  body.varint(options.concurrency);
  const { name, cpus } = options;
  encoder.message(body, [mainUrl() ?? '', process.argv[1], process.sourceMapsEnabled, name, cpus]);
}
