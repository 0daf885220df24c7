import type { Socket } from 'node:net';
import { SerializationError } from '../errors.ts';
import type { Attachment } from '../wire/encoder.ts';
import { descriptorOf, release, type NetSocket } from '../wire/sockets.ts';

type Given = NonNullable<Attachment['socket']>;

/** The connections that some worker was sent and has not begun with. */
const onTheirWay = new WeakSet<object>();

/** The connections that one worker was sent, by the sequence number of their item. Here they are closed when it has begun. */
export class SocketLedger {
  readonly #sent = new Map<number, readonly Socket[]>();

  /** Throws for one that cannot be sent any more, or to nobody else. */
  check(sockets: readonly Given[]): void {
    for (const { value, path } of sockets) {
      const why =
        descriptorOf(value) === undefined
          ? 'it is closed, or another task has it'
          : onTheirWay.has(value)
            ? 'it was given to another task'
            : undefined;
      if (why !== undefined) throw new SerializationError(`Cannot send ${path}: ${why}.`, 'args', path);
    }
  }

  add(sequence: number, sockets: readonly Given[]): void {
    const moving = movingOf(sockets);
    if (moving.length === 0) return;
    this.#sent.set(sequence, moving);
    for (const socket of moving) onTheirWay.add(socket);
  }

  /** The worker has them. What was written travels on: nothing is shut down. */
  received(sequence: number): void {
    this.#remove(sequence)?.forEach(close);
  }

  /** The item has its outcome, perhaps without having begun: then they stay. */
  over(sequence: number): void {
    if (this.#sent.size > 0) this.#remove(sequence);
  }

  /** What was not begun is the worker's no more. */
  returned(from: number): void {
    for (const sequence of this.#sent.keys()) if (sequence >= from) this.#remove(sequence);
  }

  /** The worker is gone, and with it what it had begun (below `begun`), even if it could not say so any more. */
  exited(begun: number): void {
    for (const sequence of this.#sent.keys())
      if (sequence < begun) this.received(sequence);
      else this.#remove(sequence);
  }

  #remove(sequence: number): readonly Socket[] | undefined {
    const sockets = this.#sent.get(sequence);
    this.#sent.delete(sequence);
    for (const socket of sockets ?? []) onTheirWay.delete(socket);
    return sockets;
  }
}

/** Connections move, of servers copies go. */
function movingOf(sockets: readonly Given[]): Socket[] {
  return sockets.map(({ value }) => value).filter(isConnection);
}

function isConnection(value: NetSocket): value is Socket {
  return 'destroy' in value;
}

function close(socket: Socket): void {
  socket.destroy();
}

/** Throws when something that moves is among what goes to more than one worker. */
export function checkCopies(attachments: readonly Attachment[]): void {
  for (const { moves, path = '', socket } of attachments) {
    const isSocket = socket !== undefined && isConnection(socket.value);
    if (!moves && !isSocket) continue;
    const place = socket?.path ?? path;
    const what = isSocket ? 'a connection' : 'a buffer that is to be moved';
    const why = `${what} can go to one worker only. Give it to a task`;
    for (const { value } of socketsOf(attachments)) if (!onTheirWay.has(value)) release(value);
    throw new SerializationError(`Cannot send ${place}: ${why}.`, 'args', place);
  }
}

/** Closes those that have gone. */
export function letGo(attachments: readonly Attachment[]): void {
  movingOf(socketsOf(attachments)).forEach(close);
}

export function socketsOf(attachments: readonly Attachment[]): Given[] {
  return attachments.flatMap(({ socket }) => (socket === undefined ? [] : [socket]));
}
