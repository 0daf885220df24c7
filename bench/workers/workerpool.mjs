/** The worker file of workerpool. */
import workerpool from 'workerpool';
import { busy, countPrimes, echo, square } from '../tasks.mjs';

workerpool.worker({ busy, countPrimes, echo, square });
