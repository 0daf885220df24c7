/** The worker file of poolifier. */
import { ThreadWorker } from 'poolifier';
import { busy, countPrimes, echo, square } from '../tasks.mjs';

export default new ThreadWorker({ busy, countPrimes, echo, square });
