/** A worker without any library: it answers one message with one message. Runs as a thread and as a process. */
import { parentPort } from 'node:worker_threads';
import * as tasks from '../tasks.mjs';

const answer = parentPort ? (message) => parentPort.postMessage(message) : (message) => process.send(message);

(parentPort ?? process).on('message', ([id, task, argument]) => answer([id, tasks[task](argument)]));
answer('ready');
