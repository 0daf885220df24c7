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
  /** Sends one frame: the parts of its body, and the buffers that go beside it. */
  send(parts: readonly Buffer[], attachments: readonly Attachment[]): void;
  /** Ends the worker: SIGTERM, or at once. */
  kill(force: boolean): void;
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
  /** Tasks that it may run at once. */
  readonly slots: number;
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Opens a channel to a new worker. */
export type OpenChannel = (options: ChannelOptions, events: ChannelEvents) => Channel;
