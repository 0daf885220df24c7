/** Runs the scenarios: round by round, and within a round side by side, so that a noisy minute hits all alike. */
import { Driver, HungError } from './driver.mjs';

/**
 * Gives, by scenario and then by variant and then by side, `{ samples, absent?, error? }`: `samples[round]` holds the
 * figures of that round.
 */
export class Measurement {
  #drivers = new Map();
  #broken = new Map();
  #options;

  constructor(options) {
    this.#options = options;
  }

  async scenario(scenario) {
    const sides = this.#options.sides.filter((side) => !side.bare || scenario.bare);
    const results = new Map();
    let previous = new Map();
    for (const variant of scenario.variants(this.#options.quick)) {
      const cells = new Map(sides.map((side) => [side.name, { samples: [] }]));
      results.set(variant.name, cells);
      await this.#variant(scenario, variant, sides, cells, previous);
      previous = cells;
    }
    await this.#closePools();
    return results;
  }

  end() {
    for (const driver of this.#drivers.values()) driver.kill();
    this.#drivers.clear();
  }

  async #variant(scenario, variant, sides, cells, previous) {
    const warmUps = scenario.warmUps ?? this.#options.warmUps;
    const rounds = Math.min(scenario.rounds ?? Infinity, this.#options.rounds);
    for (let round = -warmUps; round < rounds; round++) {
      const order = round % 2 === 0 ? sides : sides.toReversed();
      if (scenario.host === 'shared') await this.#sharedRound(scenario, variant, order, cells, round);
      for (const side of order) {
        const cell = cells.get(side.name);
        if (cell.absent || cell.error || (scenario.host === 'shared' && !side.python)) continue;
        this.#options.onProgress(
          `${scenario.name} ${variant.name} ${round < 0 ? 'warm-up' : `round ${round + 1}/${rounds}`} ${side.name}`,
        );
        const params = scenario.adapt?.(variant.params, previous.get(side.name)?.samples.at(-1)) ?? variant.params;
        record(cell, round, await this.#run(scenario, variant, side, params));
      }
    }
  }

  async #run(scenario, variant, side, params) {
    try {
      if (scenario.host === 'fresh') return await this.#fresh(scenario, variant, side, params);
      const driver = await this.#driver(side);
      // While the others had their turns, V8 gave the idle heap back: the first run would measure how it grows again.
      for (let run = 0; run < (scenario.primings ?? 0); run++)
        await driver.ask({ op: 'run', scenario: scenario.name, params }, scenario.limitMs);
      return await driver.ask({ op: 'run', scenario: scenario.name, params }, scenario.limitMs);
    } catch (error) {
      // It hung or died: the next request gets a new one.
      this.#drivers.delete(side.name);
      return { error: error.message };
    }
  }

  async #fresh(scenario, variant, side, params) {
    const driver = Driver.once(side, scenario.name, params, scenario.nodeFlags);
    try {
      const answer = await driver.answer(scenario.limitMs);
      if (variant.awaitExitMs && answer.sample) answer.sample.exitMs = await driver.exitMs(variant.awaitExitMs);
      return answer;
    } finally {
      driver.kill();
    }
  }

  async #sharedRound(scenario, variant, order, cells, round) {
    const sides = order.filter((side) => !side.python && !cells.get(side.name).error);
    if (sides.length === 0) return;
    this.#options.onProgress(`${scenario.name} round ${round + 1}, ${sides.length} sides in turns`);
    const driver = Driver.shared(sides, scenario.name, variant.params);
    let outcome;
    try {
      ({ outcome } = await driver.answer(scenario.limitMs * 3));
    } catch (error) {
      outcome = Object.fromEntries(sides.map(({ name }) => [name, { error: error.message }]));
    } finally {
      driver.kill();
    }
    for (const { name } of sides) record(cells.get(name), round, outcome[name]);
  }

  /** A side that cannot be loaded is tried once. */
  async #driver(side) {
    if (this.#broken.has(side.name)) throw this.#broken.get(side.name);
    if (!this.#drivers.has(side.name)) {
      try {
        this.#drivers.set(side.name, await Driver.serve(side));
      } catch (error) {
        this.#broken.set(side.name, error);
        throw error;
      }
    }
    return this.#drivers.get(side.name);
  }

  async #closePools() {
    for (const [name, driver] of this.#drivers) {
      try {
        await driver.ask({ op: 'close' }, 3_000);
      } catch (error) {
        if (!(error instanceof HungError)) this.#options.onProgress(`${name}: ${error.message}`);
        driver.kill();
        this.#drivers.delete(name);
      }
    }
  }
}

function record(cell, round, { sample, absent, error }) {
  if (absent) cell.absent = true;
  else if (error) cell.error = error;
  else if (round >= 0) cell.samples[round] = sample;
}
