/**
 * The process in which JavaScript sides run. Its modes:
 *   serve SIDE                     one JSON request per line on stdin, one answer per line on stdout
 *   once SIDE SCENARIO PARAMS      one run; then nothing is closed, so that it shows whether the program ends by itself
 *   shared SCENARIO PARAMS SIDES   one run of several sides in turns
 * An answer is a line that starts with `@bench `; all else on stdout is noise of the side.
 */
import { createInterface } from 'node:readline';
import { findScenario } from '../scenarios/index.mjs';
import { findSide, loadSide } from '../sides/index.mjs';

const [mode, ...rest] = process.argv.slice(2);
const modes = { serve, once, shared };
await modes[mode](...rest);

async function serve(sideName) {
  const context = await load(sideName);
  answer(context.error ? { error: context.error } : { ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (request.op === 'close') {
      await context.close();
      answer({ closed: true });
    } else {
      answer(await attempt(context, request.scenario, request.params));
    }
  }
  process.exit();
}

async function once(sideName, scenario, params) {
  const context = await load(sideName);
  answer(context.error ? { error: context.error } : await attempt(context, scenario, JSON.parse(params)));
}

async function shared(scenario, params, ...sideNames) {
  const outcome = {};
  const loaded = [];
  for (const name of sideNames) {
    try {
      loaded.push(await loadSide(findSide(name)));
    } catch (error) {
      outcome[name] = { error: describe(error) };
    }
  }
  Object.assign(outcome, await findScenario(scenario).runShared(loaded, JSON.parse(params)));
  answer({ outcome });
  process.exit();
}

async function load(sideName) {
  const pools = new Map();
  try {
    const side = await loadSide(findSide(sideName));
    return {
      async pool(workers) {
        if (!pools.has(workers)) pools.set(workers, await side.open(workers));
        return pools.get(workers);
      },
      async close() {
        for (const pool of pools.values()) await pool.close();
        pools.clear();
      },
    };
  } catch (error) {
    return { error: describe(error), close: () => {} };
  }
}

async function attempt(context, scenario, params) {
  try {
    const sample = await findScenario(scenario).run(context, params);
    return sample ? { sample } : { absent: true };
  } catch (error) {
    return { error: describe(error) };
  }
}

function describe(error) {
  return String(error?.message ?? error).split('\n', 1)[0];
}

function answer(message) {
  process.stdout.write(`@bench ${JSON.stringify(message)}\n`);
}
