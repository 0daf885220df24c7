/** manycore/connection: messages over sockets, with Python on the other end if need be. Python: multiprocessing.connection. */
export {
  AbortError,
  AuthenticationError,
  BrokenPipeError,
  BufferTooShortError,
  ConnectionLostError,
  ConnectionStateError,
  EndOfFileError,
  FrameTooLargeError,
  SerializationError,
  TimeoutError,
  UnpicklingError,
} from './errors.ts';
export { Client, type ClientOptions } from './connection/client.ts';
export { SocketConnection } from './connection/connection.ts';
export { Listener, type ListenerOptions, type ListenerStatistics } from './connection/listener.ts';
export type { Family, PeerOptions } from './connection/options.ts';
export { PlainDate, PlainDateTime, PlainTime, TimeDelta, TimeZone } from './connection/pickle/datetime.ts';
export type { Address, TcpAddress } from './manager/address.ts';
export { wait, type Waitable } from './queues/wait.ts';
