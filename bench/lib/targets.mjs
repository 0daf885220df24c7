/** The ratios that manycore states, checked against the run. What was not measured is not judged. */
import { figure, ratio } from './figures.mjs';
import { show } from './stats.mjs';

const kinds = ['threads', 'processes'];
const ours = (kind) => `manycore-${kind}`;

const targets = [
  faster('burst', 'burst', 'ms', 'threads', 'piscina-tuned', 10),
  faster('burst', 'burst', 'ms', 'processes', 'python-fork', 30),
  faster('burst', 'burst', 'ms', 'processes', 'tinypool-processes', 40),
  ...kinds.map((kind) => faster('submit', 'submit', 'ms', kind, 'python-executor', 50)),
  ...kinds.map((kind) => faster('map', 'map', 'ms', kind, 'python-fork', 1.5)),
  ...kinds.map((kind) => faster('imap', 'imap', 'ms', kind, 'python-fork', 20)),
  ...kinds.flatMap((kind) =>
    ['singles-first', 'singles-middle', 'map-first', 'map-middle'].map((variant) =>
      atMost('skew', variant, 'time', kind, 1.1, 'x ideal'),
    ),
  ),
  ...kinds.map((kind) => atLeast('scaling', 'scaling', 'speedUp', kind, 1.9, 'on 2 workers')),
  slower('start-up', 'start-up', 'ms', 'threads', 'bare-thread', 1.3),
  slower('start-up', 'start-up', 'ms', 'processes', 'bare-process', 1.3),
  slower('process', 'process', 'ms', 'processes', 'bare-process', 1.2),
  ...kinds.map((kind) => atMost('memory', 'queued-2', 'heapEach', kind, 600, 'bytes per queued task')),
  ...kinds.map((kind) => atMost('memory', 'linear', 'linear', kind, 1.3, 'x linear from N/4 to N queued tasks')),
  ...kinds.map((kind) => atMost('idle', 'cpu', 'host', kind, 2, 'ms CPU/s, idle host')),
  ...kinds.map((kind) => atMost('idle', 'exit', 'exitMs', kind, 2_000, 'ms until an open pool lets its program end')),
  ...kinds.map((kind) => atMost('control', 'overshoot', 'p99', kind, 100, 'ms over a hard timeout (p99)')),
  atMost('control', 'cancel', 'ms', 'processes', 50, 'ms to cancel a busy loop'),
  ...kinds.map((kind) => atMost('control', 'death', 'p99', kind, 50, 'ms from a death to the rejection (p99)')),
  ...kinds.map((kind) => atMost('control', 'terminate', 'p99', kind, 250, 'ms to terminate busy workers (p99)')),
  faster('payloads', 'large', 'ms', 'processes', 'python-fork', 10),
  faster('queues', 'stream', 'ms', 'processes', 'python-fork', 8),
  faster('queues', 'blocking', 'ms', 'processes', 'python-fork', 8),
  faster('queues', 'pipe', 'us', 'processes', 'python-fork', 3),
  ...kinds.map((kind) => atMost('locks', 'free', 'ns', kind, 100, 'ns for a free lock')),
  faster('locks', 'free', 'ns', 'processes', 'python-fork', 2),
  faster('locks', 'contended', 'ms', 'processes', 'python-fork', 2),
  ...kinds.map((kind) => atMost('locks', 'waiters', 'cpu', kind, 2, 'ms CPU/s, 1,000 that wait for a lock')),
  faster('manager', 'manager', 'us', 'processes', 'python-fork', 2),
  faster('manager', 'manager', 'ms', 'processes', 'python-fork', 20),
];

/** Rows of [target, measured, verdict] for what the run has measured, by scenario. */
export function judge(byScenario) {
  return targets.flatMap(({ scenario, side, text, measure, holds }) => {
    const results = byScenario.get(scenario);
    if (!results) return [];
    const value = measure(results);
    return [[text, show(value), verdict(value, holds, results, side)]];
  });
}

/** A side of ours that failed is a miss; without the other side, there is nothing to judge. */
function verdict(value, holds, results, side) {
  if (value !== undefined) return typeof value === 'number' && holds(value) ? 'pass' : '**miss**';
  return [...results.values()].some((cells) => cells.get(side)?.error) ? '**failed**' : 'not measured';
}

function faster(scenario, variant, key, kind, than, factor) {
  return {
    scenario,
    side: ours(kind),
    text: `${scenario}, ${kind}: at least ${factor} x as fast as ${than}`,
    measure: (results) => ratio(results, variant, key, than, ours(kind)),
    holds: (value) => value >= factor,
  };
}

function slower(scenario, variant, key, kind, than, factor) {
  return {
    scenario,
    side: ours(kind),
    text: `${scenario}, ${kind}: at most ${factor} x the time of ${than}`,
    measure: (results) => ratio(results, variant, key, ours(kind), than),
    holds: (value) => value <= factor,
  };
}

function atMost(scenario, variant, key, kind, limit, unit) {
  return {
    scenario,
    side: ours(kind),
    text: `${scenario}, ${kind}${variant.includes('-') && scenario === 'skew' ? `, ${variant}` : ''}: at most ${limit} ${unit}`,
    measure: (results) =>
      variant === 'linear' ? linearity(results, ours(kind)) : figure(results, variant, ours(kind), key),
    holds: (value) => value <= limit,
  };
}

function atLeast(scenario, variant, key, kind, limit, unit) {
  return {
    scenario,
    side: ours(kind),
    text: `${scenario}, ${kind}: at least ${limit} ${unit}`,
    measure: (results) => figure(results, variant, ours(kind), key),
    holds: (value) => value >= limit,
  };
}

/** 1 when four times the tasks take four times as long. */
function linearity(results, side) {
  const [quarter, all] = ['queued-0', 'queued-2'].map((variant) => figure(results, variant, side, 'seconds'));
  return typeof quarter === 'number' && typeof all === 'number' ? all / (4 * quarter) : undefined;
}
