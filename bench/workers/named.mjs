/** The worker file of piscina, tinypool and jest-worker: a task is a named export. */
export { busy, countPrimes, echo, square } from '../tasks.mjs';
