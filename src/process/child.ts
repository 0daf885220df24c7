import { accessSync, constants as files, statSync } from 'node:fs';
import { constants, type SignalConstants } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Channel, ChannelExit, ChannelStreams } from '../channel/channel.ts';
import { filterEnvironment, filterExecArgv } from '../channel/exec-argv.ts';
import { openProcess } from '../channel/process.ts';
import { openThread } from '../channel/thread.ts';
import { createReader } from '../closure/capture.ts';
import { createBuilder } from '../closure/rebuild.ts';
import { Functions } from '../engine/functions.ts';
import { writeBoot } from '../engine/link.ts';
import { letGo } from '../engine/socket-ledger.ts';
import { ProcessStartError, ProtocolError } from '../errors.ts';
import { writeOutput } from '../pool/output.ts';
import { type EncodedMessage, encodeAhead } from '../wire/encoded-message.ts';
import { Encoder } from '../wire/encoder.ts';
import { Inbox } from '../wire/inbox.ts';
import { ToHost, ToWorker } from '../wire/messages.ts';
import { Outbox } from '../wire/outbox.ts';
import type { Reader } from '../wire/reader.ts';
import type { ProcessInfo, ProcessJob } from '../worker/process-info.ts';
import { shared } from '../worker/task-context.ts';
import { executable } from './executable.ts';
import { stdioOf, type AnyOptions } from './options.ts';

type Signal = 'SIGTERM' | 'SIGKILL' | 'SIGINT';

const functions = { process: new Functions(false), thread: new Functions(true) };

/** A started child: its channel, what it prints, its end. */
export class Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it is gone and all that it printed is printed. */
  readonly ended: Promise<void>;
  /** Null until then; negative for a signal. */
  exitCode: number | null = null;
  readonly #channel: Channel;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #kind: ProcessInfo['kind'];
  readonly #stdio: ReturnType<typeof stdioOf>;
  #end!: () => void;
  /** How a thread was ended by us: it has no signals. */
  #endedBy: Signal | undefined;
  #faulty: Error | undefined;
  /** Shared objects that it was sent: it may not have them yet. */
  kept: unknown;
  #args: EncodedMessage | undefined;

  /**
   * @throws ProcessStartError when there is no child.
   * @throws CaptureError, SerializationError when the job cannot travel.
   */
  constructor(info: ProcessInfo, job: ProcessJob, options: AnyOptions) {
    this.name = info.name;
    this.#kind = info.kind;
    this.#stdio = stdioOf(options.stdio);
    const isThread = info.kind === 'thread';
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#outbox = new Outbox(
      new Encoder(createReader({ toward: 'worker' }), { shares: isThread, hands: true }),
      ToWorker.define,
    );
    this.#inbox = new Inbox(createBuilder({ from: 'worker' }), ToHost.define, (op, reader) => this.#record(op, reader));
    const generation = info.identity.at(-1)!;
    const cwd = options.cwd instanceof URL ? fileURLToPath(options.cwd) : options.cwd;
    // Started before the job is encoded, which it does not wait for while it loads.
    this.#channel = (isThread ? openThread : openProcess)(
      {
        generation,
        slots: 0,
        name: info.name,
        execArgv: filterExecArgv(process.execArgv, info.kind),
        env: filterEnvironment({ ...process.env, ...options.env }),
        stdio: this.#stdio,
        cwd,
        execPath: executable(),
      },
      { frame: (body, attachments) => this.#frame(body, attachments), exit: (exit) => this.#exited(exit) },
    );
    if (this.#channel.pid === undefined)
      throw startError(info.name, this.#channel.failure ?? whyNot(executable(), cwd));
    this.pid = this.#channel.pid;
    try {
      const nesting = (shared.worker?.nesting ?? 0) + 1;
      writeBoot(this.#outbox, {
        workerId: generation,
        workerIndex: 0,
        nesting,
        concurrency: 0,
        name: undefined,
        cpus: undefined,
      });
      this.#introduce(info, job);
      this.#flush();
    } catch (error) {
      this.#channel.kill(true);
      throw error;
    }
  }

  #introduce(info: ProcessInfo, { self, target, args }: ProcessJob): void {
    const { body, encoder } = this.#outbox;
    const { encoder: ahead } = functions[info.kind];
    const message = target === undefined ? undefined : functions[info.kind].handleOf(target).message;
    const list = target === undefined ? undefined : encodeAhead(ahead, args, { copyBelow: 0 });
    list?.use();
    body.u8(ToWorker.process);
    encoder.message(body, info);
    encoder.message(body, self);
    body.u8(message === undefined ? 0 : 1);
    message?.embed(encoder, body);
    list?.embed(encoder, body);
    this.kept = [message, encoder.kept];
    this.#args = list;
  }

  #flush(): void {
    const { parts, attachments } = this.#outbox.take();
    this.#channel.send(parts, attachments);
    letGo(attachments);
  }

  get streams(): ChannelStreams | undefined {
    return this.#channel.streams;
  }

  /** Does nothing once it has ended. */
  kill(signal: Signal): void {
    if (this.exitCode !== null) return;
    if (signal !== 'SIGINT') {
      this.#endedBy = signal;
      this.#channel.kill(signal === 'SIGKILL');
    } else if (this.#kind === 'thread') {
      this.#outbox.body.u8(ToWorker.interrupt);
      this.#flush();
    } else this.#channel.interrupt?.();
  }

  suspend(suspended: boolean): void {
    if (this.exitCode === null) this.#channel.suspend(suspended);
  }

  /** The program ends: it is killed, and nothing is reported. */
  destroy(): void {
    this.#channel.destroy();
  }

  #frame(body: Uint8Array, attachments: readonly (ArrayBuffer | SharedArrayBuffer)[]): void {
    if (this.#faulty !== undefined) return;
    const fault = (error: unknown): void => {
      this.#faulty = error as Error;
      this.#channel.kill(true);
    };
    try {
      void this.#inbox.accept(body, attachments)?.catch(fault);
    } catch (error) {
      fault(error);
    }
  }

  #record(op: number, reader: Reader): void {
    if (op !== ToHost.output)
      throw new ProtocolError(`The process ${JSON.stringify(this.name)} sent a record of unknown kind ${op}.`);
    const fd = reader.u8() === 2 ? 2 : 1;
    const text = reader.string();
    if (this.#stdio?.[fd] !== 'ignore') writeOutput(fd, text);
  }

  #exited(exit: ChannelExit): void {
    const error = this.#faulty ?? exit.error;
    const why = error?.message ?? (this.#kind === 'thread' && exit.oomHint ? exit.lastWords : '');
    if (why !== '') writeOutput(2, `Process ${this.name}:\n${why}\n`);
    this.kept = undefined;
    this.#args?.done();
    this.exitCode = this.#codeOf(exit);
    this.#end();
  }

  #codeOf({ exitCode, signal }: ChannelExit): number {
    if (signal !== null) return -constants.signals[signal as keyof SignalConstants];
    if (this.#kind === 'thread' && this.#endedBy !== undefined) return -constants.signals[this.#endedBy];
    return exitCode ?? 1;
  }
}

function startError(name: string, cause: Error | undefined): ProcessStartError {
  const why = cause?.message ?? 'the system gives no more processes or descriptors';
  return new ProcessStartError(`Cannot start the process ${JSON.stringify(name)}: ${why}`, cause && { cause });
}

/** Node tells why only later. */
function whyNot(execPath: string | undefined, cwd: string | undefined): Error | undefined {
  try {
    accessSync(execPath ?? process.execPath, files.X_OK);
    if (cwd !== undefined) statSync(`${cwd}/`);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
