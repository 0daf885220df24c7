import { Random } from './random.ts';
import { Simulation, type Features } from './simulation.ts';

const names = [
  'kills',
  'crashes',
  'badBoots',
  'failingStarts',
  'elastic',
  'recycling',
  'concurrent',
  'cannotTakeBack',
  'nonsense',
  'unsendable',
  'moves',
  'withdrawals',
  'cancels',
  'endless',
  'timeouts',
  'retries',
  'lateness',
  'pins',
  'resizing',
  'reentrant',
  'earlyEnd',
  'smallBudget',
] as const satisfies readonly (keyof Features)[];

/** Each schedule has about a third of all features: with all of them at once, most would hide each other. */
function chooseFeatures(random: Random, fixed: Partial<Features>): Features {
  const share = random.pick([0.1, 0.3, 0.5]);
  const features = Object.fromEntries(names.map((name) => [name, random.chance(share)])) as Record<
    keyof Features,
    boolean
  >;
  return { ...features, ...fixed };
}

/** What happens in the schedule with this seed. */
export function runSchedule(seed: number, fixed: Partial<Features> = {}): Simulation {
  const random = new Random(seed);
  const features = chooseFeatures(random, fixed);
  const simulation = new Simulation(random, features);
  const { engine, timeline } = simulation;
  engine.start();

  const spanMs = random.pick([1, 10, 60]);
  const at = (act: () => void): void => void timeline.after(random.next() * spanMs, act);
  for (let jobs = random.whole(1, 4); jobs > 0; jobs--) at(() => submit(simulation));
  for (let acts = random.whole(0, 6); acts > 0; acts--) {
    if (features.kills) at(() => simulation.links.length > 0 && random.pick(simulation.links).die());
    if (features.nonsense && random.chance(0.3)) at(() => speakNonsense(simulation));
    if (features.withdrawals)
      at(() => simulation.jobs.length > 0 && simulation.withdraw(random.pick(simulation.jobs), random.chance(0.7)));
    if (features.cancels) at(() => cancelSome(simulation));
    if (features.pins && random.chance(0.3)) at(() => engine.state === 'running' && simulation.pin());
    if (features.resizing) at(() => simulation.resize());
    if (features.recycling && random.chance(0.3)) at(() => recycleOne(simulation));
  }
  if (features.earlyEnd) at(() => (random.chance(0.5) ? engine.close() : simulation.terminate()));

  simulation.run(spanMs + 1);
  if (random.chance(0.3)) simulation.run(500);
  if (random.chance(0.1) && !features.endless) {
    simulation.run(1_000);
    simulation.checkSize();
  }
  if (random.chance(0.2)) simulation.terminate();
  else engine.close();
  simulation.finish();
  return simulation;
}

/** Adds a job at once, or piece by piece, as the inputs of a stream come. */
function submit(simulation: Simulation): void {
  const { engine, random, timeline } = simulation;
  if (engine.state !== 'running') return;
  const size = random.whole(1, 20);
  const job = simulation.submit(size);
  if (random.chance(0.7)) return simulation.add(job, 0, size);
  const release = engine.hold();
  const feed = (from: number): void => {
    const to = Math.min(size, from + random.whole(1, 8));
    simulation.add(job, from, to);
    if (to === size) release();
    else timeline.after(random.next() * 3, () => feed(to));
  };
  feed(0);
}

function speakNonsense(simulation: Simulation): void {
  const { random, links } = simulation;
  const link = links[random.whole(0, links.length)];
  if (link?.state !== 'up') return;
  const lot = random.next();
  const answered = link.answered.length === 0 ? 0 : random.pick(link.answered);
  if (lot < 0.3) link.answerNonsense(link.next + random.whole(0, 100), 1);
  else if (lot < 0.7) link.answerNonsense(answered, random.whole(1, 3));
  else link.answerNonsense(Math.max(link.begun(), link.next - 1), 1);
}

/** One item, several of one call in one go, or all that waits. */
function cancelSome(simulation: Simulation): void {
  const { random, jobs } = simulation;
  if (jobs.length === 0) return;
  if (random.chance(0.1)) return simulation.cancelWaiting();
  const job = random.pick(jobs);
  const force = random.chance(0.3);
  for (let times = random.pick([1, 1, 5]); times > 0; times--) simulation.cancel(job, random.whole(0, 20), force);
}

function recycleOne({ engine, links, random }: Simulation): void {
  const members = [...engine.members];
  if (members.length === 0) return;
  const member = random.pick(members);
  const why = random.pick(['recycle', 'memory'] as const);
  if (why === 'recycle') links.find(({ id }) => id === member.id)!.stop();
  engine.recycle(member, why);
}

/** The violations in a schedule, and what it takes to see them again. */
export function describe(seed: number, simulation: Simulation): string {
  const active = names.filter((name) => simulation.features[name]).join(' ');
  return `SEED=${seed} (${active}):\n  ${simulation.violations.slice(0, 5).join('\n  ')}`;
}
