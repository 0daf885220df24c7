import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { loadNative, nativeBinary } from '../native.ts';
import type { Attachment } from '../wire/encoder.ts';
import { FrameAssembler, frameHead } from '../wire/frame.ts';
import { detach } from '../wire/transfer.ts';
import type { Channel, ChannelEvents, ChannelExit, ChannelOptions, ChannelStreams } from './channel.ts';
import { LastWords } from './last-words.ts';
import { workerEntry } from './worker-entry.ts';
import { StillbornChannel } from './stillborn.ts';
import { createPageFile, noPage, openPage, pageBytes, type StatusPage } from './status-page.ts';

/**
 * A worker process and our own channel to it, over inherited descriptors: 3 to the worker, 4 from it, 5 the status
 * page, 6 the lifeline, which is silent: its end tells the worker that the host is gone.
 * Node's IPC channel is not used: one malformed line on it throws in the parent, past every handler, and it has no
 * back-pressure. The worker leads a process group of its own, so that what its tasks start ends with it.
 */
export function openProcess(options: ChannelOptions, events: ChannelEvents): Channel {
  try {
    return new ProcessChannel(options, events);
  } catch (error) {
    return new StillbornChannel(options, events, error as Error);
  }
}

/** A worker's last words are waited for this long after its end; they mostly come with it. */
const stderrGraceMs = 50;

class ProcessChannel implements Channel {
  readonly page: StatusPage;
  readonly #child: ChildProcess;
  readonly #events: ChannelEvents;
  readonly #generation: number;
  readonly #lastWords = new LastWords();
  /** Which of descriptors 0, 1 and 2 are not ours. */
  readonly #given: readonly boolean[];
  #exit: { readonly exitCode: number | null; readonly signal: string | null; readonly error?: Error } | undefined;
  #fromWorkerEnded = false;
  #stderrEnded = false;
  #stderrTimer: NodeJS.Timeout | undefined;
  #reported = false;
  #alive = true;

  constructor(options: ChannelOptions, events: ChannelEvents) {
    this.#events = events;
    this.#generation = options.generation;
    const { stdio = [] } = options;
    this.#given = [0, 1, 2].map((fd) => stdio[fd] !== undefined);
    const bytes = options.slots === 0 ? 0 : pageBytes(options.slots);
    const pageFile = bytes === 0 ? undefined : createPageFile(bytes);
    try {
      this.page = pageFile === undefined ? noPage() : openPage(pageFile, bytes);
      const { generation } = options;
      // So that the worker is told where it is.
      loadNative();
      const kept = [1, 2].filter((fd) => this.#given[fd]);
      const argument = JSON.stringify({
        hostPid: process.pid,
        pageBytes: bytes,
        generation,
        nativeBinary,
        ...(kept.length > 0 && { keptOutput: kept }),
      });
      this.#child = spawn(
        options.execPath ?? process.execPath,
        [...options.execArgv, workerEntry('process'), argument],
        {
          stdio: [
            stdio[0] ?? 'ignore',
            stdio[1] ?? 'pipe',
            stdio[2] ?? 'pipe',
            'pipe',
            'pipe',
            pageFile ?? 'ignore',
            'pipe',
          ],
          env: options.env,
          cwd: options.cwd,
          detached: process.platform !== 'win32',
          windowsHide: true,
        },
      );
    } finally {
      if (pageFile !== undefined) closeSync(pageFile);
    }
    // Without a process there may be no streams either.
    if (this.pid === undefined) this.#alive = false;
    else this.#listen();
    this.#child.on('error', (error) => this.#ended({ exitCode: null, signal: null, error }));
    this.#child.unref();
    for (const stream of this.#streams) (stream as Partial<Socket> | null)?.unref?.();
  }

  /** Those that are ours: a stream that was asked for belongs to whom it was given. */
  get #streams(): (Readable | Writable | null | undefined)[] {
    return (this.#child.stdio ?? []).filter((_, fd) => this.#given[fd] !== true);
  }

  get streams(): ChannelStreams {
    const [stdin, stdout, stderr] = this.#child.stdio ?? [];
    const given = <S>(fd: number, stream: S): S | null => (this.#given[fd] === true ? stream : null);
    return {
      stdin: given(0, stdin ?? null),
      stdout: given(1, stdout ?? null),
      stderr: given(2, stderr ?? null),
    };
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get #toWorker(): Writable {
    return this.#child.stdio[3] as Writable;
  }

  get #fromWorker(): Readable {
    return this.#child.stdio[4] as Readable;
  }

  #listen(): void {
    const child = this.#child;
    const assembler = new FrameAssembler(this.#generation, (body, attachments) =>
      this.#events.frame(body, attachments),
    );
    child.on('exit', (exitCode, signal) => this.#ended({ exitCode, signal }));
    this.#toWorker.on('error', ignore);
    this.#fromWorker.on('error', ignore);
    this.#fromWorker.on('data', (chunk: Buffer) => {
      if (this.#reported) return;
      try {
        assembler.push(chunk);
      } catch (error) {
        this.#fromWorker.destroy();
        this.#lastWords.protocolError = error as Error;
        this.kill(true);
      }
    });
    this.#fromWorker.on('close', () => {
      this.#fromWorkerEnded = true;
      // Without its channel a worker is of no use, even if it goes on.
      if (this.#exit === undefined) this.kill(true);
      this.#report();
    });
    if (this.#given[1] !== true) child.stdout?.on('data', (chunk: Buffer) => void process.stdout.write(chunk));
    this.#stderrEnded = this.#given[2] === true;
    if (!this.#stderrEnded) {
      child.stderr?.on('data', (chunk: Buffer) => {
        this.#lastWords.push(chunk);
        process.stderr.write(chunk);
      });
      child.stderr?.on('close', () => {
        this.#stderrEnded = true;
        this.#report();
      });
    }
    for (const stream of this.#streams.slice(0, 3)) stream?.on('error', ignore);
  }

  #ended(exit: { readonly exitCode: number | null; readonly signal: string | null; readonly error?: Error }): void {
    if (this.#exit !== undefined) return;
    this.#exit = exit;
    this.#killGroup('SIGKILL');
    if (exit.error !== undefined && this.pid === undefined) this.#fromWorkerEnded = this.#stderrEnded = true;
    // The streams end with the process; what is still in them is read first. Not `close` of the child: a descriptor that
    // a task's own child inherited, and that left the group, would keep that waiting for ever.
    if (exit.exitCode === 0) this.#stderrEnded = true;
    else if (!this.#stderrEnded) {
      this.#stderrTimer = setTimeout(() => {
        this.#stderrEnded = true;
        this.#report();
      }, stderrGraceMs);
    }
    this.#report();
  }

  #report(): void {
    if (this.#exit === undefined || !this.#fromWorkerEnded || !this.#stderrEnded || this.#reported) return;
    this.#reported = true;
    clearTimeout(this.#stderrTimer);
    const { exitCode, signal, error } = this.#exit;
    this.#alive = false;
    for (const stream of this.#streams) stream?.destroy();
    const exit: ChannelExit = {
      exitCode,
      signal,
      error: error ?? this.#lastWords.protocolError,
      ...this.#lastWords.summary(exitCode, signal),
    };
    this.#events.exit(exit);
    this.page.close();
  }

  send(parts: readonly Buffer[], attachments: readonly Attachment[]): void {
    if (!this.#alive) return;
    const buffers = attachments.map(({ buffer, moves }) => (moves ? detach(buffer as ArrayBuffer) : buffer));
    const socket = this.#toWorker;
    socket.cork();
    socket.write(
      frameHead(
        this.#generation,
        parts.reduce((sum, part) => sum + part.length, 0),
        buffers,
      ),
    );
    for (const part of parts) socket.write(part);
    for (const buffer of buffers) if (buffer.byteLength > 0) socket.write(new Uint8Array(buffer));
    socket.uncork();
  }

  kill(force: boolean): void {
    if (this.#exit !== undefined || this.pid === undefined) return;
    // A stopped process only notes SIGTERM; SIGKILL works on it.
    this.#killGroup(force ? 'SIGKILL' : 'SIGTERM');
  }

  interrupt(): void {
    const { pid } = this;
    if (this.#exit === undefined && pid !== undefined) process.kill(pid, 'SIGINT');
  }

  /** The worker and what its tasks have started. */
  #killGroup(signal: NodeJS.Signals): void {
    const { pid } = this;
    if (pid === undefined) return;
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, signal);
    } catch {
      // Nothing of the group is left.
    }
  }

  suspend(suspended: boolean): void {
    if (this.#exit === undefined) this.#killGroup(suspended ? 'SIGSTOP' : 'SIGCONT');
  }

  destroy(): void {
    this.#reported = true;
    this.kill(true);
  }
}

function ignore(): void {}
