import type { Readable, Writable } from 'node:stream';
import type { Attachment } from '../wire/encoder.ts';
import type { StatusPage } from './status-page.ts';

/**
 * The host's end of one worker's own channel. Nothing of it is shared with another worker: a death costs only its own.
 * It does not keep the program alive.
 */
export interface Channel {
  /** The process id, or the thread id. */
  readonly pid: number | undefined;
  readonly page: StatusPage;
  /** Memory that waits for the next large buffer, which is no task's. */
  readonly keptBytes: number;
  readonly streams?: ChannelStreams;
  /** Why there is no worker, as far as it is known at once. */
  readonly failure?: Error;
  /** Sends one frame: the parts of its body, and the buffers that go beside it. */
  send(parts: readonly Buffer[], attachments: readonly Attachment[]): void;
  /** Ends the worker: SIGTERM, or at once. */
  kill(force: boolean): void;
  /** Sends SIGINT to the worker itself; a thread has no signals. */
  interrupt?(): void;
  /** Stops the worker with the program, or lets it go on. */
  suspend(suspended: boolean): void;
  /** Ends the worker when its pool was forgotten or the program ends; reports nothing. */
  destroy(): void;
}

export interface ChannelEvents {
  frame(body: Uint8Array, attachments: readonly (ArrayBuffer | SharedArrayBuffer)[]): void;
  /** The worker is gone and all that it sent has been delivered. Called once. */
  exit(exit: ChannelExit): void;
}

export interface ChannelExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly lastWords: string;
  readonly oomHint: boolean;
  /** Why it could not be started. */
  readonly error?: Error | undefined;
}

export interface ChannelOptions {
  /** The worker's number in its pool. */
  readonly generation: number;
  /** Tasks that it may run at once; 0 for a Process, which needs no status page. */
  readonly slots: number;
  /** What a thread is called, for debuggers. */
  readonly name?: string | undefined;
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
  /** Another Node than the host's. */
  readonly execPath?: string | undefined;
  /** What descriptors 0, 1 and 2 are; undefined: nothing to read, and what is printed is ours. */
  readonly stdio?: readonly (ChannelStdio | undefined)[] | undefined;
}

export type ChannelStdio = 'ignore' | 'inherit' | 'pipe' | number;

/** The host's ends of the streams that `stdio` asks to be piped. */
export interface ChannelStreams {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

/** Opens a channel to a new worker. */
export type OpenChannel = (options: ChannelOptions, events: ChannelEvents) => Channel;
