import { soon } from '../blocking/later.ts';
import type { Channel, ChannelEvents, ChannelOptions } from './channel.ts';
import { MemoryPage, pageBytes, type StatusPage } from './status-page.ts';

/** A worker that could not even be started (no descriptors, no processes left): it ends like any other, with the reason. */
export class StillbornChannel implements Channel {
  readonly pid = undefined;
  readonly page: StatusPage;
  readonly keptBytes = 0;
  readonly failure: Error;
  #destroyed = false;

  constructor({ slots }: ChannelOptions, events: ChannelEvents, error: Error) {
    this.failure = error;
    this.page = new MemoryPage(new SharedArrayBuffer(pageBytes(slots)));
    soon(() => {
      if (!this.#destroyed) events.exit({ exitCode: null, signal: null, lastWords: '', oomHint: false, error });
    });
  }

  send(): void {}

  kill(): void {}

  suspend(): void {}

  destroy(): void {
    this.#destroyed = true;
  }
}
