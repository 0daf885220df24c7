import { strict as assert } from 'node:assert';
import { Answers } from '#internal/manager/answers.js';
import { AuthKey } from '#internal/manager/auth-key.js';
import { ClientReferences } from '#internal/manager/client-references.js';
import { Connection } from '#internal/manager/connection.js';
import type { Link } from '#internal/manager/link.js';
import { proxyMaker } from '#internal/manager/proxy-maker.js';
import { Rate } from '#internal/manager/rate.js';
import { ObjectTable } from '#internal/manager/object-table.js';
import { Turns } from '#internal/manager/turns.js';
import { maxUnsentBytes, maxWaitingCalls, slowReaderMs } from '#internal/limits.js';
import { eventually, rejection, testClean } from '../matrix.ts';
import { dialAuthenticated, frame } from './raw-client.ts';
import { authKey, testServer } from './support.ts';

const plain = { address: { port: 0 }, tls: false } as const;

testServer('limits: calls that wait, and what is refused leaves its line (2.5)', plain, async (client) => {
  const event = client.Event();
  const lock = client.Lock();
  const grant = await lock.acquire();
  const waiting = Array.from({ length: maxWaitingCalls }, () => event.wait());
  const error = await rejection(lock.acquire());
  assert.equal(error.name, 'ArgumentRangeError');
  await event.set();
  assert.equal((await Promise.all(waiting)).every(Boolean), true);
  await grant.release();
  assert.equal(await lock.locked(), false, 'nobody has what was refused');
  await (await lock.acquire()).release();
});

testServer(
  'limits: a call number that is used twice ends the client, and gets nothing (I10)',
  plain,
  async (client, server) => {
    const event = client.Event();
    await event.isSet();
    const { socket, closed } = await dialAuthenticated(server.address, authKey);
    const name = Buffer.from('wait');
    const wait = [3, 9, 1, name.length * 2, ...name, 0];
    socket.write(frame(1, 1, 10, ...Buffer.from('Event'), ...Buffer.alloc(16, 5), 0, ...wait, ...wait));
    await closed;
    await eventually(() => server.statistics().clients === 1);
    assert.equal(server.statistics().waiting, 0);
    assert.equal(await event.isSet(), false);
  },
);

testClean('limits: references of one client (2.5)', {}, () => {
  const objects = new ObjectTable();
  const references = new ClientReferences(
    { objects, code: undefined, turns: new Turns(), standsFor: () => undefined },
    3,
  );
  for (const number of [1, 3, 5]) references.enter(number, 'name');
  assert.throws(() => references.enter(7, 'name'), { name: 'ProtocolError' });
  references.drop(3, 1);
  references.enter(7, 'name');
  assert.throws(() => references.drop(7, 2), { name: 'ProtocolError' });
  assert.equal(references.size, 3);
  references.end();
  assert.equal(references.size, 0);
});

/** A link to a client that does not read. */
class ClosedEar {
  sentBytes = 0;
  readonly unsentBytes: number = maxUnsentBytes + 1;
  isPaused = false;
  readonly failures: string[] = [];
  send(): void {}
  pause(): void {
    this.isPaused = true;
  }
  destroy(error: Error): void {
    this.failures.push(error.name);
  }
}

testClean(
  'limits: who does not read its answers is not listened to, then cut off (2.5)',
  { warnings: /MockTimers/ },
  (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    try {
      const ear = new ClosedEar();
      const options = { maxFrameBytes: 1_000, code: undefined, exposeStacks: false };
      const answers = new Answers(ear as unknown as Link, options, { write: () => false, takeBack() {}, sent() {} });
      const answer = (id: number): void => {
        answers.done(id, id);
        answers.flush();
      };
      answer(1);
      assert.equal(ear.isPaused, true);
      t.mock.timers.tick(slowReaderMs - 1);
      answers.drained();
      assert.equal(answers.isHeldBack, false, 'it has caught up');
      t.mock.timers.tick(slowReaderMs);
      answer(2);
      for (let i = 0; i < 3; i++) {
        t.mock.timers.tick(slowReaderMs - 1);
        ear.sentBytes++;
        t.mock.timers.tick(1);
      }
      assert.deepEqual(ear.failures, [], 'it is slow, and goes on');
      t.mock.timers.tick(slowReaderMs - 1);
      assert.deepEqual(ear.failures, []);
      t.mock.timers.tick(1);
      assert.deepEqual(ear.failures, ['ProtocolError']);
      answers.end();
    } finally {
      t.mock.timers.reset();
    }
  },
);

testClean('limits: so many at once, then so many per second (2.5)', {}, () => {
  let now = 0;
  const rate = new Rate(100, 3, () => now);
  assert.deepEqual([rate.take(), rate.take(), rate.take(), rate.take()], [0, 0, 0, 10]);
  now += 9;
  assert.equal(rate.take(), 1);
  now += 1;
  assert.deepEqual([rate.take(), rate.take()], [0, 10]);
  now += 60_000;
  assert.deepEqual([rate.take(), rate.take(), rate.take(), rate.take()], [0, 0, 0, 10], 'never more at once');
});

for (const tls of ['psk', false] as const) {
  testServer(
    `limits: who comes beyond the rate waits in line, ${tls === 'psk' ? 'with' : 'without'} TLS (2.5)`,
    { address: { port: 0 }, tls, maxConnections: 3 },
    async (client, server) => {
      const list = client.list([1]);
      const start = performance.now();
      for (let i = 0; i < 40; i++) {
        // The client's own connection is used again and again.
        const other = new Connection({
          target: { address: server.address, tls },
          key: new AuthKey(authKey),
          allowsCode: false,
          isPatient: false,
          proxies: proxyMaker,
        });
        await other.ready;
        other.close();
        await eventually(() => server.statistics().clients === 1);
      }
      assert.ok(performance.now() - start > 200, 'two at once, then one each 10 ms');
      assert.equal(await list.length(), 1);
      assert.equal(server.statistics().unauthenticated, 0);
    },
  );
}

testServer('limits: a type is a registered name, never a place (I14)', plain, async (client, server) => {
  for (const name of [
    '../../etc/passwd',
    '/etc/passwd',
    'file:///etc/passwd',
    'data:text/javascript,process.exit(1)',
    'http://127.0.0.1/x.js',
    'node:child_process',
    '%2e%2e%2fsecret',
    'list\0',
    'manycore/managers',
    '#internal/limits.js',
    '__proto__',
    'constructor',
    '',
  ]) {
    const error = await rejection(client.create(name).callMethod('anything'));
    assert.equal(error.name, 'ArgumentRangeError', name);
  }
  assert.equal(await client.list([1]).length(), 1);
  assert.equal(server.statistics().clients, 1);
});

testServer('limits: no function reaches a server that takes no code (I15)', plain, async (client) => {
  const list = client.list();
  for (const value of [() => process.exit(1), class Foo {}, { deep: [() => 1] }])
    await assert.rejects((async () => list.append(value))(), { name: 'SerializationError' });
  const dict = client.dict<string, number>({ x: 1 });
  await dict.update('x', (x = 0) => x + 1);
  assert.equal(await dict.get('x'), 2, 'run by the client');
  assert.equal(await list.length(), 0);
});
