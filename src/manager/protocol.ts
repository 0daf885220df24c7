/** Records of a frame's body: an op byte and its fields. Numbers are varints, texts strings, values data messages. */
export const ToServer = {
  /** reference (odd), type, id (16 bytes), count of arguments, arguments: makes an object */
  create: 1,
  /** reference (odd), id, whether its maker may not have come yet: refers to an object that somebody has passed on */
  attach: 2,
  /** call, reference, method, count of arguments, arguments */
  call: 3,
  /** reference, how often it was received: refers to it no more */
  drop: 4,
  /** call: is not waited for any more */
  cancel: 5,
  /** reference: was passed on to somebody who may not have attached yet */
  travel: 6,
  ping: 7,
  /** call, what, count of arguments, arguments: of the server itself */
  manage: 8,
  pong: 9,
} as const;

export const ToClient = {
  /** call, value */
  done: 1,
  /** first call, count: all of them gave undefined */
  doneRange: 2,
  /** call, error */
  failed: 3,
  pong: 4,
  ping: 5,
} as const;

/** What stands behind a data message's `special` tag. */
export const Special = {
  /** reference: an object of this server that the client has */
  mine: 0,
  /** reference (even), kind of proxy, id: an object of this server that the client gets */
  given: 1,
  /** An object of another server: its travelling form, as data */
  foreign: 2,
  /** 1 for a constant function, count of references, references, length, bytes: anything, encoded by the full codec */
  packed: 3,
} as const;

export const idBytes = 16;
