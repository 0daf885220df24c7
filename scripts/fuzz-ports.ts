// Spoilt frames for the sockets of a manager's server and of a listener in another process, before and after the key:
// `npm run fuzz:ports -- [frames each] [first seed]`. No crash, nothing that keeps its event loop from turning, no memory that
// grows. Each frame that the server does not take costs it a connection, and the next one a handshake.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Manager, EndOfFileError, UnpicklingError } from 'manycore';
import { Listener, type SocketConnection } from 'manycore/connection';
import { responseTo, secretOf } from '#internal/connection/digests.js';
import { samples as pickles, spoil as spoilPickle } from '../test/connection/spoilt.ts';
import { framed as pythonFrame, RawClient } from '../test/connection/support.ts';
import { Random } from '../test/engine/random.ts';
import { framed, prelude, samples, spoil } from '../test/manager/fuzz.ts';
import { dialAuthenticated } from '../test/manager/raw-client.ts';

const slowestMs = 100;
const grownBytes = 64e6;
const atOnce = 32;
const key = Buffer.alloc(32, 7);
const ping = Buffer.from([1, 0, 0, 0, 7]);

interface Report {
  readonly delayMs: number;
  readonly rss: number;
}

/** The process whose ports are attacked. */
async function serve(folder: string): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  process.on('message', () => {
    const delayMs = delay.max / 1e6;
    // This pause is ours.
    delay.disable();
    collect();
    process.send!({ delayMs, rss: process.memoryUsage.rss() } satisfies Report);
    delay.reset();
    delay.enable();
  });
  const listener = new Listener(join(folder, 'listener'), { authKey: key });
  const receive = async (connection: SocketConnection): Promise<void> => {
    for (;;) {
      let isTaken = 1;
      try {
        await connection.recv();
      } catch (error) {
        if (error instanceof EndOfFileError) return connection.close();
        if (!(error instanceof UnpicklingError)) throw error;
        isTaken = 0;
      }
      await connection.sendBytes(Uint8Array.of(isTaken));
    }
  };
  void (async () => {
    for await (const connection of listener) void receive(connection);
  })();
  const server = new Manager({ address: join(folder, 'manager'), authKey: key }).getServer();
  await server.start();
  process.send!('ready');
}

const next = (random: Random) => (): number => random.next();

/** Whether the connection is still there after the frame. */
type Attack = (random: Random) => () => Promise<boolean>;

/** Whether it was answered; else it is closed. */
function closedOr(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (isOpen: boolean): void => {
      socket.off('close', closed).off('data', answered);
      resolve(isOpen);
    };
    const closed = (): void => done(false);
    const answered = (): void => done(true);
    socket.once('close', closed).on('data', answered);
  });
}

function attacks(folder: string): Record<string, Attack> {
  const manager = join(folder, 'manager');
  const listener = join(folder, 'listener');
  const all = samples();
  const allPickles = pickles();
  return {
    'manager, before the key': (random) => () => {
      const bytes = Buffer.alloc(1 + random.whole(0, 119), random.whole(0, 255));
      if (random.next() < 0.8) bytes.write('MCM1\u0001', 0, 'latin1');
      return endsWith(manager, bytes);
    },
    'manager, after it': (random) => {
      let socket: Socket | undefined;
      return async () => {
        if (socket?.destroyed !== false) {
          socket = (await dialAuthenticated(manager, key)).socket;
          socket.write(prelude(randomBytes(16)));
        }
        const bytes = framed(spoil(all[random.whole(0, all.length - 1)]!, all, next(random)));
        const isOpen = closedOr(socket);
        socket.write(Buffer.concat([bytes, ping]));
        return isOpen;
      };
    },
    'listener, before the key': (random) => () => {
      const bytes = pythonFrame(Buffer.alloc(random.whole(0, 300), random.whole(0, 255)));
      if (random.next() < 0.2) bytes[random.whole(0, 3)] = random.whole(0, 255);
      if (bytes.length > 12 && random.next() < 0.5) bytes.write('{sha256}', 4, 'latin1');
      return endsWith(listener, bytes);
    },
    'listener, after it': (random) => {
      let client: RawClient | undefined;
      return async () => {
        client ??= await intoListener(listener);
        const bytes = pythonFrame(spoilPickle(random, random.pick(allPickles), allPickles));
        client.socket.write(bytes);
        return (await client.message())?.[0] === 1;
      };
    },
  };
}

async function intoListener(address: string): Promise<RawClient> {
  const secret = secretOf(key, false);
  const client = new RawClient(address);
  client.send(responseTo(await client.challenge(), secret));
  await client.message();
  client.send(Buffer.concat([Buffer.from('#CHALLENGE#{sha256}'), Buffer.alloc(40, 1)]));
  await client.message();
  client.send('#WELCOME#');
  return client;
}

async function attack(frames: number, firstSeed: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'manycore-fuzz-'));
  const server = fork(fileURLToPath(import.meta.url), ['serve', folder]);
  const crashed = once(server, 'exit').then(([code, signal]) => {
    throw new Error(`The server has ended: ${code ?? signal}`);
  });
  crashed.catch(() => undefined);
  const report = async (): Promise<Report> => {
    server.send('report');
    const [found] = (await Promise.race([once(server, 'message'), crashed])) as [Report];
    return found;
  };
  try {
    await Promise.race([once(server, 'message'), crashed]);
    for (const [where, kind] of Object.entries(attacks(folder))) {
      await report();
      let sent = 0;
      let taken = 0;
      const one = async (seed: number, upTo: number): Promise<void> => {
        const send = kind(new Random(seed));
        while (sent < upTo) {
          sent++;
          if (await send()) taken++;
        }
      };
      let middle: Report | undefined;
      let worst = 0;
      const startedMs = performance.now();
      for (let round = 1; round <= 10; round++) {
        const workers = Array.from({ length: atOnce }, (_, i) =>
          one(firstSeed + round * atOnce + i, (frames * round) / 10),
        );
        await Promise.race([Promise.all(workers), crashed]);
        const found = await report();
        worst = Math.max(worst, found.delayMs);
        if (round === 5) middle = found;
        if (round < 10) continue;
        const grown = found.rss - middle!.rss;
        const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
        console.log(
          `${where}: ${sent} frames in ${seconds} s, ${taken} of them taken, the event loop stood still for ${worst.toFixed(1)} ms at most, ${(grown / 1e6).toFixed(1)} MB more in the second half`,
        );
        if (worst > slowestMs || grown > grownBytes) process.exitCode = 1;
      }
    }
  } finally {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

const [first = '1000000', second] = process.argv.slice(2);
if (first === 'serve') await serve(second!);
else {
  await attack(Number(first), Number(second ?? Date.now() % 1_000_000_000));
  process.exit();
}

/** Sends this and nothing more; resolves to false, as the port closes the connection. */
async function endsWith(path: string, bytes: Buffer): Promise<false> {
  const socket = connect(path);
  socket.on('error', () => {});
  socket.resume();
  const closed = once(socket, 'close');
  socket.end(bytes);
  await closed;
  return false;
}
