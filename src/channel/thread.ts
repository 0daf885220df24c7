import { existsSync } from 'node:fs';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { bell } from '../blocking/bell.ts';
import { openSource, type Source } from '../blocking/block.ts';
import { deliver } from '../blocking/delivery.ts';
import { later } from '../blocking/later.ts';
import { toldRoot } from '../memory/family.ts';
import { mappingsBytes, mappingsLeft } from '../mappings.ts';
import { tidyNames } from '../memory/names.ts';
import { loadNative } from '../native.ts';
import { bytesBeside } from '../wire/attachments.ts';
import type { Attachment } from '../wire/encoder.ts';
import { blockedPollMs, blockedSliceMs, bootTimeoutMs, maxFrameBytes, zombieMs } from '../limits.ts';
import { FrameTooLargeError, ProtocolError } from '../errors.ts';
import { monotonicMs } from '../monotonic.ts';
import { tooLarge } from '../wire/writer.ts';
import type { Channel, ChannelEvents, ChannelOptions, ChannelStreams } from './channel.ts';
import { acceptedExecArgv } from './exec-argv.ts';
import { StillbornChannel } from './stillborn.ts';
import { MemoryPage, pageBytes } from './status-page.ts';
import { Tickets } from './tickets.ts';
import { workerEntry } from './worker-entry.ts';
import { isFrame, movedWith, type ThreadFrame } from './thread-frame.ts';

/** A worker thread and our own port to it: the thread's `parentPort` stays free for the user's code. */
export function openThread(options: ChannelOptions, events: ChannelEvents): Channel {
  try {
    return new ThreadChannel(options, events);
  } catch (error) {
    return new StillbornChannel(options, events, error as Error);
  }
}

/** How often a thread that is to be ended is asked whether it is still busy: see `MemoryPage.setBusy`. */
const busyPollMs = 20;
/** How long the program's end waits for that. */
const lastWaitMs = 50;

class ThreadChannel implements Channel, Source {
  readonly page: MemoryPage;
  readonly keptBytes = 0;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #events: ChannelEvents;
  readonly #generation: number;
  readonly #piped: readonly number[] | undefined;
  readonly #closeSource: () => void;
  readonly #tickets = new Tickets();
  readonly #mappings = new SharedArrayBuffer(mappingsBytes);
  #error: NodeJS.ErrnoException | undefined;
  #reported = false;
  #killed = false;
  /** When a blocked host looked whether it is there. */
  #lookedMs = 0;
  #forced = false;

  constructor(options: ChannelOptions, events: ChannelEvents) {
    this.#events = events;
    this.#generation = options.generation;
    this.#piped = piped(options);
    const shared = new SharedArrayBuffer(pageBytes(options.slots));
    this.page = new MemoryPage(shared);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    try {
      this.#worker = withValidOptions(
        options.execArgv,
        (execArgv) =>
          new Worker(workerEntry('thread'), {
            workerData: {
              manycore: {
                port: port2,
                page: shared,
                mappings: this.#mappings,
                bell,
                root: toldRoot(),
                generation: options.generation,
                keptOutput: this.#piped,
                hasJob: options.slots === 0,
              },
            },
            transferList: [port2],
            execArgv,
            env: options.env,
            // Kept from our own streams and not read either, as reading would keep the program alive: what tasks print comes over
            // the port.
            stdout: true,
            stderr: true,
            stdin: options.stdio?.[0] === 'pipe',
            ...(options.name !== undefined && { name: options.name }),
          }),
      );
    } catch (error) {
      port1.close();
      throw error;
    }
    tidyNames();
    this.#listen();
    this.#worker.unref();
    this.#port.unref();
    this.#closeSource = openSource(this);
  }

  get pid(): number | undefined {
    return this.#worker.threadId;
  }

  get streams(): ChannelStreams {
    const { stdin, stdout, stderr } = this.#worker;
    return {
      stdin,
      stdout: this.#piped?.includes(1) === true ? stdout : null,
      stderr: this.#piped?.includes(2) === true ? stderr : null,
    };
  }

  #listen(): void {
    this.#port.on('message', (frame: unknown) => deliver(() => this.#deliver(frame)));
    // Otherwise nobody would ever hear of what cannot be read, and its tasks would wait for ever.
    this.#port.on('messageerror', (error) => this.#refuse(error));
    this.#worker.on('error', (error) => (this.#error = error));
    this.#worker.on('exit', (exitCode) => {
      for (const { address, bytes } of mappingsLeft(this.#mappings)) loadNative()?.unmap(address, bytes);
      this.#receive();
      this.#report(exitCode);
    });
  }

  /** What the thread has sent may still be in the port. Returns whether something was. */
  #receive(): boolean {
    let some = false;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { message } = next;
      some = true;
      deliver(() => this.#deliver(message));
    }
    return some;
  }

  #next(): { readonly message: unknown } | undefined {
    try {
      return receiveMessageOnPort(this.#port);
    } catch (error) {
      this.#refuse(error as Error);
      return undefined;
    }
  }

  pump(): void {
    if (this.#receive()) return;
    const now = monotonicMs();
    if (now - this.#lookedMs < (this.expectant ? blockedPollMs : blockedSliceMs)) return;
    this.#lookedMs = now;
    if (!isGone(this.page.threadNumber)) return;
    // It may have sent its last since.
    this.#receive();
    const { exitCode } = this.page;
    // Nothing but a full heap ends a thread before its exit handlers, if it was not us; its error comes by the event loop.
    if (exitCode === undefined && !this.#killed) this.#error ??= outOfMemory();
    this.#report(exitCode ?? 1);
  }

  watched(): undefined {}

  get expectant(): boolean {
    return this.#killed || this.page.exitCode !== undefined;
  }

  #deliver(frame: unknown): void {
    if (this.#reported) return;
    if (!isFrame(frame)) return this.#refuse(undefined);
    const [generation, body, attachments] = frame;
    if (generation === this.#generation) this.#events.frame(body, attachments);
  }

  /** What the thread has sent is no frame: it is ended. */
  #refuse(cause: Error | undefined): void {
    this.#error ??= new ProtocolError('A thread sent a message that cannot be read.', { cause });
    this.kill(true);
  }

  #report(exitCode: number | null): void {
    if (this.#reported) return;
    this.#reported = true;
    this.#closeSource();
    this.#port.close();
    this.#tickets.close();
    const oomHint = this.#error?.code === outOfMemoryCode;
    deliver(() =>
      this.#events.exit({
        exitCode,
        signal: null,
        lastWords: this.#error instanceof ProtocolError ? '' : (this.#error?.message ?? ''),
        oomHint,
        error: oomHint ? undefined : this.#error,
      }),
    );
  }

  send(parts: readonly Buffer[], attachments: readonly Attachment[]): void {
    if (this.#reported) return;
    const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    const total = body.length + bytesBeside(attachments);
    if (total > maxFrameBytes) throw new FrameTooLargeError(tooLarge(total));
    const issued = this.#tickets.issue(attachments);
    this.#port.postMessage(
      [this.#generation, body, issued.map(({ buffer }) => buffer)] satisfies ThreadFrame,
      movedWith(body, issued),
    );
  }

  kill(force: boolean): void {
    if (this.#reported || (this.#killed && !force)) return;
    if (force && !this.#forced) later(zombieMs, () => this.#report(null));
    this.#killed = true;
    this.#forced ||= force;
    this.#terminate(performance.now() + bootTimeoutMs);
  }

  /**
   * Node leaks the file that a thread is reading when it is terminated, and a thread that starts or loads a module reads
   * some. Without its port it ends by itself as soon as it has loaded. A module may take for ever.
   */
  #terminate(endMs: number): void {
    if (this.#reported || this.page.doom() || performance.now() > endMs) return void this.#worker.terminate();
    this.#port.close();
    later(busyPollMs, () => this.#terminate(endMs));
  }

  /** A thread stops with its process. */
  suspend(): void {}

  destroy(): void {
    this.#reported = true;
    this.#closeSource();
    this.#tickets.close();
    this.page.doom(lastWaitMs);
    void this.#worker.terminate();
  }
}

const outOfMemoryCode = 'ERR_WORKER_OUT_OF_MEMORY';

function outOfMemory(): NodeJS.ErrnoException {
  return Object.assign(new Error('Worker terminated due to reaching memory limit: JS heap out of memory'), {
    code: outOfMemoryCode,
  });
}

/** Whether the system has no such thread any more; false where that cannot be told. */
function isGone(threadNumber: number): boolean {
  return threadNumber !== 0 && !existsSync(`/proc/self/task/${threadNumber}`);
}

/** The output that is read by way of Node's own streams. */
function piped({ stdio }: ChannelOptions): readonly number[] | undefined {
  return stdio === undefined ? undefined : [1, 2].filter((fd) => stdio[fd] === 'pipe');
}

/** Options of the process as a whole are refused for a thread; which those are differs between versions of Node. */
function withValidOptions(execArgv: readonly string[], start: (execArgv: string[]) => Worker): Worker {
  try {
    return start([...execArgv]);
  } catch (error) {
    const accepted = acceptedExecArgv(execArgv, error);
    if (accepted === undefined) throw error;
    return start(accepted);
  }
}
