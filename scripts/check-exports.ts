// Every public name has a docstring with a sentence in it, and docs/errors.md lists exactly the error codes that exist.
import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parseSync } from 'rolldown/utils';

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly exports: Record<string, unknown> };
const ENTRIES = Object.keys(exports)
  .filter((name) => !name.endsWith('.json'))
  .map((name) => (name === '.' ? 'src/index.ts' : `src/${name.slice('./'.length)}.ts`));
const ERROR_CODE = /ERR_MANYCORE_[A-Z0-9_]*[A-Z0-9]/g;

const problems: string[] = [];

/** The docstring of what `file` exports as `name`, found through re-exports; undefined when there is none. */
function docstringOf(file: string, name: string): string | undefined {
  const code = readFileSync(file, 'utf8');
  const { module, comments } = parseSync(file, code);
  const entry = module.staticExports
    .flatMap(({ entries }) => entries)
    .find(({ exportName }) => exportName.name === name);
  if (entry?.moduleRequest)
    return docstringOf(posix.join(posix.dirname(file), entry.moduleRequest.value), entry.importName.name ?? name);
  const local = entry?.localName.name ?? name;
  const keyword = '(?:declare |abstract |async |const enum |const |let |class |function\\*? ?|interface |type |enum )+';
  const declaration = new RegExp(`^(?:export )?(?:default )?${keyword}${local.replaceAll('$', '\\$')}\\b`, 'm').exec(
    code,
  );
  if (!declaration) return undefined;
  const before = comments.findLast(
    ({ type, value, end }) => type === 'Block' && value.startsWith('*') && end <= declaration.index,
  );
  return before && code.slice(before.end, declaration.index).trim() === '' ? before.value : undefined;
}

let names = 0;
for (const entry of ENTRIES) {
  for (const { exportName } of parseSync(entry, readFileSync(entry, 'utf8')).module.staticExports.flatMap(
    ({ entries }) => entries,
  )) {
    names++;
    if (exportName.name === null) {
      problems.push(`${entry}: \`export *\` hides what is public; list the names`);
      continue;
    }
    const text = docstringOf(entry, exportName.name)
      ?.replaceAll(/^\s*\*+ ?/gm, '')
      .split(/^@/m)[0];
    if (text === undefined) problems.push(`${entry}: ${exportName.name} has no docstring`);
    else if (!/\w.*[.!?:](?:\s|$)/s.test(text))
      problems.push(`${entry}: the docstring of ${exportName.name} has no full sentence`);
  }
}

const codesIn = (file: string): Set<string> =>
  new Set(existsSync(file) ? readFileSync(file, 'utf8').match(ERROR_CODE) : []);
const codes = codesIn('src/errors.ts');
const documented = codesIn('docs/errors.md');
for (const code of codes) if (!documented.has(code)) problems.push(`docs/errors.md: does not explain ${code}`);
for (const code of documented)
  if (!codes.has(code)) problems.push(`docs/errors.md: explains ${code}, which src/errors.ts does not have`);

for (const problem of problems) console.error(problem);
console.log(`exports: ${names} names, ${codes.size} error codes, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
