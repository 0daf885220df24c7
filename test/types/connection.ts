// Compiled, never run: what connections over sockets take and give, and what must not compile.
import { expectTypeOf } from 'expect-type';
import { type Address, Client, Listener, type ListenerStatistics, SocketConnection, wait } from 'manycore/connection';

interface Question {
  readonly text: string;
}

export async function listeners(): Promise<void> {
  await using listener = new Listener<number, Question>({ port: 0 }, { authKey: 'key', backlog: 5 });
  expectTypeOf(listener.ready).toEqualTypeOf<Promise<void>>();
  expectTypeOf(listener.address).toEqualTypeOf<Address>();
  expectTypeOf(listener.lastAccepted).toEqualTypeOf<Address | undefined>();
  expectTypeOf(listener.statistics()).toEqualTypeOf<ListenerStatistics>();
  expectTypeOf(await listener.accept({ timeout: 5 })).toEqualTypeOf<SocketConnection<number, Question>>();
  for await (const guest of listener) expectTypeOf(await guest.recv()).toEqualTypeOf<Question>();
  void new Listener();
  void new Listener('./a.sock', { family: 'AF_UNIX' });
  // @ts-expect-error -- a pair in Python
  void new Listener(['localhost', 6_000]);
  // @ts-expect-error -- Python's spelling
  void new Listener({ port: 0 }, { authkey: 'key' });
  // @ts-expect-error -- not here
  void new Listener('a', { family: 'AF_PIPE' });
}

export async function clients(): Promise<void> {
  const connection = await Client<Question, number>({ port: 6_000 }, { authKey: 'key', timeout: 5 });
  expectTypeOf(connection).toEqualTypeOf<SocketConnection<Question, number>>();
  await connection.send({ text: 'a' });
  expectTypeOf(await connection.recv({ timeout: 5 })).toEqualTypeOf<number>();
  expectTypeOf(await connection.recvBytes(100)).toEqualTypeOf<Uint8Array>();
  expectTypeOf(await connection.poll({ timeout: 5 })).toEqualTypeOf<boolean>();
  expectTypeOf(await wait([connection])).toEqualTypeOf<SocketConnection<Question, number>[]>();
  for await (const answer of connection) expectTypeOf(answer).toEqualTypeOf<number>();
  // @ts-expect-error -- another message
  await connection.send(5);
  // @ts-expect-error -- to where?
  await Client();
  // @ts-expect-error -- it waits for nobody to come
  await Client({ port: 6_000 }, { backlog: 5 });
  // @ts-expect-error -- a socket has no blocking form
  connection.recvSync();
}
