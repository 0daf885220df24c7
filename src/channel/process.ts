import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { openSource, type Ready, type Source } from '../blocking/block.ts';
import { deliver } from '../blocking/delivery.ts';
import { later } from '../blocking/later.ts';
import { toldRoot } from '../memory/family.ts';
import { LargeBuffers } from '../memory/large.ts';
import { tidyNames } from '../memory/names.ts';
import { loadNative, nativeBinary, type Watched } from '../native.ts';
import type { Attachment } from '../wire/encoder.ts';
import { FrameAssembler, frameAround } from '../wire/frame.ts';
import { descriptorOf } from '../wire/sockets.ts';
import type { Channel, ChannelEvents, ChannelExit, ChannelOptions, ChannelStreams } from './channel.ts';
import { LastWords } from './last-words.ts';
import { drain, isReady } from './drain.ts';
import { Handover } from './handover.ts';
import { Lifeline } from './lifeline.ts';
import { Outflow } from './outflow.ts';
import { workerEntry } from './worker-entry.ts';
import { StillbornChannel } from './stillborn.ts';
import { createPageFile, noPage, openPage, pageBytes, type StatusPage } from './status-page.ts';

/**
 * A worker process and our own channel to it, over inherited descriptors: 3 to the worker, 4 from it, 5 the status
 * page, 6 the lifeline, which is silent: its end tells the worker that the host is gone, 7 for descriptors.
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
/** Frames below this are written in one piece: to copy them costs less than a list of parts. */
const smallBytes = 4_096;

class ProcessChannel implements Channel, Source {
  readonly page: StatusPage;
  readonly #child: ChildProcess;
  readonly #large: LargeBuffers;
  readonly #assembler: FrameAssembler;
  /** Undefined for a Process, which is sent nothing after its start: that leaves by the event loop. */
  readonly #outflow: Outflow | undefined;
  readonly #handover: Handover | undefined;
  readonly #lifeline: Lifeline | undefined;
  readonly #closeSource: () => void;
  readonly #events: ChannelEvents;
  readonly #generation: number;
  readonly #lastWords = new LastWords();
  /** Which of descriptors 0, 1 and 2 are not ours. */
  readonly #given: readonly boolean[];
  #exit: { readonly exitCode: number | null; readonly signal: string | null; readonly error?: Error } | undefined;
  #fromWorkerEnded = false;
  #stdoutEnded = false;
  #stderrEnded = false;
  #stopStderrTimer: () => void = () => undefined;
  #reported = false;
  #alive = true;

  constructor(options: ChannelOptions, events: ChannelEvents) {
    this.#events = events;
    this.#generation = options.generation;
    const { stdio = [] } = options;
    this.#given = [0, 1, 2].map((fd) => stdio[fd] !== undefined);
    const bytes = options.slots === 0 ? 0 : pageBytes(options.slots);
    let handover: Handover | undefined;
    let lifeline: Lifeline | undefined;
    const pageFile = bytes === 0 ? undefined : createPageFile(bytes);
    this.page = pageFile === undefined ? noPage() : openPage(pageFile, bytes);
    try {
      const { generation } = options;
      tidyNames();
      // So that the worker is told where it is.
      loadNative();
      handover = Handover.open();
      lifeline = Lifeline.open();
      const kept = [1, 2].filter((fd) => this.#given[fd]);
      const argument = JSON.stringify({
        // Whom it is to watch by itself.
        hostPid: lifeline === undefined ? process.pid : undefined,
        root: toldRoot(),
        pageBytes: bytes,
        generation,
        nativeBinary,
        ...(kept.length > 0 && { keptOutput: kept }),
      });
      this.#child = spawn(
        options.execPath ?? process.execPath,
        [...options.execArgv, workerEntry(options.slots === 0 ? 'job' : 'process'), argument],
        {
          stdio: [
            stdio[0] ?? 'ignore',
            stdio[1] ?? 'pipe',
            stdio[2] ?? 'pipe',
            'pipe',
            'pipe',
            pageFile ?? 'ignore',
            lifeline?.theirs ?? 'ignore',
            ...(handover === undefined ? [] : [handover.theirs]),
          ],
          env: options.env,
          cwd: options.cwd,
          detached: process.platform !== 'win32',
          windowsHide: true,
        },
      );
      if (this.#child.pid !== undefined) lifeline?.guard(this.#child.pid);
    } catch (error) {
      this.page.close();
      handover?.close();
      lifeline?.close();
      throw error;
    } finally {
      handover?.inherited();
      lifeline?.inherited();
      if (pageFile !== undefined && this.page.shared) closeSync(pageFile);
    }
    this.#handover = handover;
    this.#lifeline = lifeline;
    this.#large = new LargeBuffers(this.pid ?? 0);
    this.#assembler = new FrameAssembler(
      options.generation,
      (body, attachments) => {
        // It has read: see `outflow.ts`.
        if (body.length === 0) this.#outflow?.flush();
        else this.#events.frame(body, attachments);
      },
      this.#large,
    );
    // Without a process there may be no streams either.
    if (this.pid === undefined) this.#alive = false;
    else this.#listen();
    if (bytes > 0 && descriptorOf(this.#child.stdio[3]) !== undefined)
      this.#outflow = new Outflow(this.#toWorker as Socket, this.page);
    this.#closeSource = openSource(this);
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

  get keptBytes(): number {
    return this.#large.freeBytes;
  }

  get #toWorker(): Writable {
    return this.#child.stdio[3] as Writable;
  }

  get #fromWorker(): Readable {
    return this.#child.stdio[4] as Readable;
  }

  #listen(): void {
    const child = this.#child;
    child.on('exit', (exitCode, signal) => this.#ended({ exitCode, signal }));
    this.#toWorker.on('error', ignore);
    this.#fromWorker.on('error', ignore);
    this.#fromWorker.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#fromWorker.on('close', () => this.#closed());
    this.#stdoutEnded = this.#given[1] === true;
    if (!this.#stdoutEnded) child.stdout?.on('data', (chunk: Buffer) => void process.stdout.write(chunk));
    this.#stderrEnded = this.#given[2] === true;
    if (!this.#stderrEnded) {
      child.stderr?.on('data', (chunk: Buffer) => this.#heard(chunk));
      child.stderr?.on('close', () => this.#silent());
    }
    for (const stream of this.#streams.slice(0, 3)) stream?.on('error', ignore);
  }

  #take(chunk: Buffer): void {
    if (this.#reported) return;
    try {
      deliver(() => this.#assembler.push(chunk));
    } catch (error) {
      this.#fromWorker.destroy();
      this.#lastWords.protocolError = error as Error;
      this.kill(true);
    }
  }

  /** Its end of the channel is closed. */
  #closed(): void {
    if (this.#fromWorkerEnded) return;
    this.#fromWorkerEnded = true;
    // Without its channel a worker is of no use, even if it goes on.
    if (this.#exit === undefined) this.kill(true);
    this.#report();
  }

  #heard(chunk: Buffer): void {
    this.#lastWords.push(chunk);
    process.stderr.write(chunk);
  }

  #silent(): void {
    this.#stderrEnded = true;
    this.#report();
  }

  /** What the event loop does otherwise, but for the reaping of the child, which it does when it comes round. */
  pump(ready: Ready): void {
    if (this.pid === undefined) {
      const error = new Error('The system could not start the process.');
      return this.#ended({ exitCode: null, signal: null, error });
    }
    const [, stdout, stderr] = this.#child.stdio;
    if (isReady(ready, this.#toWorker)) this.#outflow?.flush();
    if (!this.#stdoutEnded && isReady(ready, stdout))
      this.#stdoutEnded = drain(stdout, (chunk) => void process.stdout.write(chunk));
    if (!this.#stderrEnded && isReady(ready, stderr) && drain(stderr, (chunk) => this.#heard(chunk))) this.#silent();
    if (
      !this.#fromWorkerEnded &&
      isReady(ready, this.#fromWorker) &&
      drain(this.#fromWorker, (chunk) => this.#take(chunk))
    )
      this.#closed();
    if (!this.expectant) return;
    const exitOf = loadNative()?.exitOf;
    const exit = exitOf === undefined ? { exitCode: null, signal: null } : exitOf(this.pid);
    if (exit !== undefined) this.#ended(exit);
  }

  watched(): readonly Watched[] {
    const list: Watched[] = [];
    const add = (isOpen: boolean, stream: unknown, write = false): void => {
      const fd = isOpen ? descriptorOf(stream) : undefined;
      if (fd !== undefined) list.push({ fd, write });
    };
    if (this.pid === undefined) return list;
    const [, stdout, stderr] = this.#child.stdio;
    add(!this.#stdoutEnded, stdout);
    add(!this.#stderrEnded, stderr);
    add(!this.#fromWorkerEnded, this.#fromWorker);
    add(this.#outflow?.isWriting === true, this.#toWorker, true);
    return list;
  }

  /** Its end of the channel is closed: it is about to end. */
  get expectant(): boolean {
    return this.#fromWorkerEnded && this.#exit === undefined;
  }

  #ended(exit: { readonly exitCode: number | null; readonly signal: string | null; readonly error?: Error }): void {
    if (this.#exit !== undefined) return;
    this.#exit = exit;
    this.#killGroup('SIGKILL');
    if (this.#reported) this.#large.close();
    if (exit.error !== undefined && this.pid === undefined) this.#fromWorkerEnded = this.#stderrEnded = true;
    // The streams end with the process; what is still in them is read first. Not `close` of the child: a descriptor that
    // a task's own child inherited, and that left the group, would keep that waiting for ever.
    if (exit.exitCode === 0) this.#stderrEnded = true;
    else if (!this.#stderrEnded) {
      this.#stopStderrTimer = later(stderrGraceMs, () => this.#silent());
    }
    this.#report();
  }

  #report(): void {
    if (this.#exit === undefined || !this.#fromWorkerEnded || !this.#stderrEnded || this.#reported) return;
    this.#reported = true;
    this.#stopStderrTimer();
    this.#closeSource();
    this.#large.close();
    const { exitCode, signal, error } = this.#exit;
    this.#alive = false;
    for (const stream of this.#streams) stream?.destroy();
    this.#closeLines();
    const exit: ChannelExit = {
      exitCode,
      signal,
      error: error ?? this.#lastWords.protocolError,
      ...this.#lastWords.summary(exitCode, signal),
    };
    deliver(() => this.#events.exit(exit));
    this.page.close();
  }

  send(parts: readonly Buffer[], attachments: readonly Attachment[]): void {
    if (!this.#alive) return;
    const issued = attachments.some(({ socket }) => socket !== undefined)
      ? this.#handover?.issue(attachments)
      : undefined;
    const buffers = (issued?.buffers ?? attachments).map(({ buffer }) => buffer);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    const { head, tail } = frameAround(this.#generation, bytes, buffers, this.#large);
    const bundles = issued?.bundles ?? [];
    const frame: Uint8Array[] = [head, ...parts, ...tail];
    if (this.#outflow !== undefined)
      return this.#outflow.write(
        bytes < smallBytes && buffers.length === 0 ? [Buffer.concat(frame)] : [...bundles, ...frame],
      );
    if (!bundles.every((bundle) => bundle.send()))
      throw new Error('The system has no room for so many descriptors on their way.');
    const socket = this.#toWorker;
    socket.cork();
    for (const part of frame) socket.write(part);
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

  #closeLines(): void {
    this.#outflow?.close();
    this.#handover?.close();
    this.#lifeline?.close();
  }

  destroy(): void {
    this.#reported = true;
    this.#closeSource();
    this.#closeLines();
    this.kill(true);
  }
}

function ignore(): void {}
