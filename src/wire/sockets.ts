import type { Server, Socket } from 'node:net';
import { loadNative } from '../native.ts';
import { unbroken } from '../unbroken.ts';
import type { Decoder } from './decoder.ts';
import type { Encoder } from './encoder.ts';
import { Tag } from './tags.ts';
import { unsendable } from './unsendable.ts';

/**
 * Connections and listening sockets. The descriptor goes beside the message, by a way of the channel's own; in the message are what
 * was read of the connection and not yet taken, and the options that Node keeps. A connection moves: once a task has it, it is
 * closed here. Of a listening socket a copy goes.
 */
export type NetSocket = Socket | Server;

const Kind = { socket: 0, server: 1 } as const;

/** What stands in a frame for a descriptor: channels replace it by a buffer of theirs. */
const ticket = new ArrayBuffer(8);

/** Writes a value if it is a plain socket or server of `node:net`. */
export function encodeSocket(encoder: Encoder, value: object, prototype: object, className: string): boolean {
  if (!encoder.hands || !socketClasses.has(className)) return false;
  const net = process.getBuiltinModule('node:net');
  const isSocket = value instanceof net.Socket;
  if (!isSocket && !(value instanceof net.Server)) return false;
  // One that was never opened is an object of this process like others.
  if (isUnused(value)) return false;
  if (prototype === net.Socket.prototype) socket(encoder, value as Socket);
  else if (prototype === net.Server.prototype) server(encoder, value as Server);
  else if (!isSocket) {
    const what = `what an instance of ${className} does with connections lives in this process`;
    throw unsendable(what, 'Hand over a net.Server, or its connections.');
  } else if (Reflect.get(value, 'encrypted') === true) {
    const what = 'the keys of a TLS connection live in this process';
    throw unsendable(what, 'Hand over the net.Socket and have the function wrap it in a tls.TLSSocket.');
  } else return false;
  return true;
}

const socketClasses = new Set(['Socket', 'TLSSocket', 'Server']);

function socket(encoder: Encoder, value: Socket): void {
  check(encoder);
  if (value.connecting) throw unsendable('the socket is not connected yet', "Wait for its 'connect' event.");
  if (descriptorOf(value) === undefined) throw unsendable('the socket is closed, or was given to another task', '');
  if (value.writableEnded || value.writableLength > 0)
    throw unsendable(
      'what was written to the socket has not all been sent',
      'Wait for the callback of `write`, and do not end it.',
    );
  const bytes = buffered(value);
  silence(value);
  const { writer } = encoder;
  encoder.remember(value);
  writer.u8(Tag.socket);
  writer.u8(Kind.socket);
  writer.varint(attach(encoder, value));
  writer.u8(value.allowHalfOpen ? 1 : 0);
  writer.varint(bytes.length);
  writer.raw(bytes);
}

function server(encoder: Encoder, value: Server): void {
  check(encoder);
  const { writer } = encoder;
  encoder.remember(value);
  writer.u8(Tag.socket);
  writer.u8(Kind.server);
  writer.varint(attach(encoder, value));
  const { allowHalfOpen, pauseOnConnect } = value as unknown as Readonly<Record<string, unknown>>;
  writer.u8((allowHalfOpen === true ? 1 : 0) | (pauseOnConnect === true ? 2 : 0));
}

function check({ capturing }: Encoder): void {
  if (capturing) throw unsendable('an open socket cannot be captured', 'Give it to the function as an argument.');
  if (loadNative()?.descriptors === undefined)
    throw unsendable('to hand over an open socket takes Linux and koffi, which is not there', '');
}

function isUnused(value: NetSocket): boolean {
  if (descriptorOf(value) !== undefined) return false;
  return !('destroyed' in value) || (!value.connecting && !value.destroyed);
}

function attach(encoder: Encoder, value: NetSocket): number {
  return encoder.attach({ buffer: ticket, moves: false, socket: { value, path: encoder.path.toString() } });
}

/** What was read of it here, which stays in it. */
function buffered(value: Socket): Uint8Array {
  if (value.readableLength === 0) return new Uint8Array();
  if (value.readableEncoding !== null || value.listenerCount('data') > 0)
    throw unsendable('some of the connection was read here', 'Accept it with `pauseOnConnect: true`.');
  value.pause();
  silence(value);
  const bytes = value.read() as Buffer;
  value.unshift(bytes);
  return bytes;
}

/** Those that are no longer read here. */
const silenced = new WeakSet<Socket>();

interface Reading {
  reading: boolean;
  readStart(): void;
  readStop(): void;
}

function silence(value: Socket): void {
  if (silenced.has(value)) return;
  const handle = handleOf(value) as unknown as Reading;
  silenced.add(value);
  // oxlint-disable-next-line no-underscore-dangle -- what a stream calls to read on
  value._read = () => undefined;
  // Whoever wants it back has it.
  value.resume = () => {
    release(value);
    return value.resume();
  };
  handle.reading = false;
  handle.readStop();
}

/** It did not go after all: it can be read here again. */
export function release(value: NetSocket): void {
  if (!silenced.delete(value as Socket)) return;
  Reflect.deleteProperty(value, '_read');
  Reflect.deleteProperty(value, 'resume');
  const handle = handleOf(value) as unknown as Reading | undefined;
  // A stream whose last read brought nothing does not ask again.
  if (handle === undefined || handle.reading) return;
  handle.reading = true;
  handle.readStart();
}

function handleOf(value: unknown): { readonly fd?: number } | undefined {
  // oxlint-disable-next-line no-underscore-dangle -- there is no other way to it, and many rely on this one
  return (value as { readonly _handle?: { readonly fd?: number } | null } | null | undefined)?._handle ?? undefined;
}

/** The descriptor of an open socket or server. A closed one's number may be another file's by now. */
export function descriptorOf(value: unknown): number | undefined {
  const fd = handleOf(value)?.fd ?? -1;
  return fd < 0 ? undefined : fd;
}

/** How a worker gets at the descriptors that came with a message. */
export interface Descriptors {
  /** The descriptor for a ticket, from then on the caller's. Throws when it did not come. */
  take(ticket: ArrayBuffer | SharedArrayBuffer): number;
  /** Closes it, unless it was taken. */
  drop(ticket: ArrayBuffer | SharedArrayBuffer): void;
}

/** A socket or server that came with a message. */
export interface Arrival {
  /** Its task begins. Until then nothing is read from it, and no connection accepted. */
  begin(): void;
  /** Its task will not begin here. */
  drop(): void;
}

export function decodeSocket(decoder: Decoder): NetSocket {
  const { reader } = decoder;
  const isServer = reader.u8() === Kind.server;
  const take = decoder.descriptor(reader.varint());
  const flags = reader.u8();
  const allowHalfOpen = (flags & 1) !== 0;
  const net = process.getBuiltinModule('node:net');
  if (isServer) {
    const made = net.createServer({ allowHalfOpen, pauseOnConnect: (flags & 2) !== 0 });
    decoder.arrivals.push({ begin: () => unbroken(() => void made.listen({ fd: take() })), drop: () => undefined });
    return decoder.remember(made);
  }
  // A thread that is terminated closes the descriptors of sockets only.
  const made = unbroken(() => {
    const options = { fd: take(), allowHalfOpen, readable: true, writable: true, manualStart: true };
    return new net.Socket(options);
  });
  const bytes = Buffer.from(reader.raw(reader.count(1)));
  decoder.arrivals.push({
    begin: () => {
      if (bytes.length > 0) made.unshift(bytes);
      // As any accepted connection: an end or a reset is noticed.
      made.read(0);
    },
    drop: () => void made.destroy(),
  });
  return decoder.remember(made);
}
