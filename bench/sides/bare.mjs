/** No library: what the machine itself gives. Takes part in the start-up, process and scaling scenarios only. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const path = (name) => fileURLToPath(new URL(`../workers/${name}`, import.meta.url));

export async function open({ workers, context }) {
  const members = Array.from({ length: workers }, () =>
    context === 'thread' ? new Worker(path('bare.mjs')) : fork(path('bare.mjs'), { serialization: 'advanced' }),
  );
  await Promise.all(members.map((member) => once(member, 'message')));
  const waiting = new Map();
  let next = 0;
  for (const member of members) {
    member.on('message', ([id, result]) => {
      waiting.get(id)(result);
      waiting.delete(id);
    });
  }
  return {
    run(_task, argument) {
      const id = next++;
      const member = members[id % workers];
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread has no origin.
      if (context === 'thread') member.postMessage([id, argument]);
      else member.send([id, argument]);
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    close: () => Promise.all(members.map((member) => end(member))),
  };
}

/** Starts the barest worker; gives a promise of its first message or byte, and of its end. */
export function first({ context }) {
  if (context === 'thread') {
    const worker = new Worker(path('first-message.cjs'));
    return { result: once(worker, 'message'), close: () => worker.terminate() };
  }
  const child = spawn(process.execPath, [path('first-byte.cjs')], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  return { result: once(child.stdout, 'data'), close: () => ended };
}

/** The barest worker that there is, from its start to its end; gives its exit code. */
export async function whole({ context }) {
  const file = path('empty.cjs');
  const member = context === 'thread' ? new Worker(file) : spawn(process.execPath, [file]);
  const [code] = await once(member, 'exit');
  return code;
}

async function end(member) {
  if (member.terminate) return member.terminate();
  const ended = once(member, 'exit');
  member.disconnect();
  return ended;
}
