// Holds the order of imports: a file imports its own layer and lower ones; no cycles; koffi and meriyah each behind one door.
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parseSync } from 'rolldown/utils';

/** From low to high: the folders of src/, and its files that are no entries. The other files at src/*.ts are entries, above everything. */
const LAYERS = [
  [
    'errors',
    'limits',
    'mappings',
    'native',
    'monotonic',
    'turns',
    'node-module',
    'suggest',
    'arguments',
    'cpus',
    'unbroken',
    'thenable',
    'waiting',
    'inspection',
  ],
  ['program'],
  ['blocking'],
  ['memory'],
  ['wire'],
  ['closure'],
  ['channel'],
  ['worker'],
  ['engine'],
  // Below pool, which shows the bar of its `progress` option.
  ['progress'],
  ['sync'],
  ['queues', 'shared'],
  ['process', 'pool', 'futures', 'manager', 'connection'],
  ['testing'],
];

/** Packages that only one place may name, by any kind of import or `require`. */
const DOORS = [
  { packages: /['"`](?:koffi|@koromix\/[^'"`]*)['"`]/, door: 'src/native.ts' },
  { packages: /['"`]meriyah['"`]/, door: 'src/closure/' },
];

const violations: string[] = [];
const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => posix.join('src', name.replaceAll('\\', '/')))
  .toSorted();

function layerOf(file: string): number {
  const [, unit = '', inside] = file.replace(/\.ts$/, '').split('/');
  const layer = LAYERS.findIndex((units) => units.includes(unit));
  if (layer >= 0) return layer;
  if (inside !== undefined)
    violations.push(`${file}: the folder src/${unit}/ is in no layer of scripts/check-layers.ts`);
  return LAYERS.length;
}

interface Import {
  target: string;
  typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const code = readFileSync(file, 'utf8');
  for (const { packages, door } of DOORS) {
    const found = packages.exec(code);
    if (found && !file.startsWith(door)) violations.push(`${file}: names ${found[0]}, which only ${door} may import`);
  }
  const { module, errors } = parseSync(file, code);
  if (errors.length > 0) throw new Error(`Cannot parse ${file}: ${errors[0]?.message}`);
  const statements = [...module.staticImports, ...module.staticExports].map(({ start, end, ...statement }) => ({
    from: 'moduleRequest' in statement ? statement.moduleRequest.value : statement.entries[0]?.moduleRequest?.value,
    typeOnly: /^(?:import|export)\s+type\b/.test(code.slice(start, end)),
  }));
  const dynamic = module.dynamicImports.map(({ moduleRequest: { start, end } }) => ({
    from: code.slice(start, end).replace(/^['"`]|['"`]$/g, ''),
    typeOnly: false,
  }));
  return [...statements, ...dynamic].flatMap(({ from, typeOnly }) =>
    from?.startsWith('.') ? [{ target: posix.join(posix.dirname(file), from), typeOnly }] : [],
  );
}

const graph = new Map(files.map((file) => [file, importsOf(file)]));
const unit = (layer: number): string => LAYERS[layer]?.join(', ') ?? 'entries';

for (const [file, imports] of graph) {
  const own = layerOf(file);
  for (const { target } of imports) {
    if (!graph.has(target)) violations.push(`${file}: imports ${target}, which does not exist`);
    else if (layerOf(target) > own)
      violations.push(`${file} (${unit(own)}): imports ${target} of the higher layer (${unit(layerOf(target))})`);
  }
}

const done = new Set<string>();
function findCycles(file: string, trail: string[]): void {
  if (trail.includes(file)) violations.push(`cycle: ${[...trail.slice(trail.indexOf(file)), file].join(' -> ')}`);
  if (done.has(file)) return;
  done.add(file);
  for (const { target, typeOnly } of graph.get(file) ?? []) if (!typeOnly) findCycles(target, [...trail, file]);
}
for (const file of files) findCycles(file, []);

for (const violation of new Set(violations)) console.error(violation);
console.log(`layers: ${files.length} files, ${new Set(violations).size} violations`);
process.exitCode = violations.length > 0 ? 1 : 0;
