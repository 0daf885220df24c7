/** A worker without any library: it counts primes, a message for a message. Runs as a thread and as a process. */
import { parentPort } from 'node:worker_threads';
import { countPrimes } from '../tasks.mjs';

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- A port has no origin.
const answer = parentPort ? (message) => parentPort.postMessage(message) : (message) => process.send(message);

(parentPort ?? process).on('message', ([id, argument]) => answer([id, countPrimes(argument)]));
answer('ready');
