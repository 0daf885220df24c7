// Packs the package as `npm publish` would, checks the tarball with publint and attw, uses it from an empty project, and looks whether the links
// of its documents lead somewhere.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Prints the squares through workers of the installed package; ends by itself. */
const HELLO = `
import { Pool } from 'manycore';
import { checkLeaks } from 'manycore/testing';

await checkLeaks(async () => {
  const pool = new Pool(2);
  console.log((await pool.map((n) => n * n, [1, 2, 3])).join(' '));
  await pool.terminate();
});
`;
const HELLO_SAYS = '1 4 9';

let failed = 0;

function step(name: string, command: string, args: string[], cwd = '.'): { ok: boolean; stdout: string } {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 180_000 });
  if (status !== 0)
    console.error(`✖ ${name}: ${error?.message ?? `exit code ${status}`}\n${stdout ?? ''}${stderr ?? ''}`.trimEnd());
  return { ok: status === 0, stdout: stdout ?? '' };
}

/** Relative links in the documents of an installed package that lead to nothing there. */
function deadLinks(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((page) => page.endsWith('.md') && !page.includes('node_modules'))
    .flatMap((page) => {
      const links = readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g);
      return [...links]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(root, dirname(page), target)))
        .map((target) => `${page}: ${target}`);
    });
}

const folder = mkdtempSync(join(tmpdir(), 'manycore-package-'));
try {
  const project = join(folder, 'project');
  mkdirSync(project);
  const { name, version, dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    name: string;
    version: string;
    dependencies: Record<string, string>;
  };
  const tarball = join(folder, `${name}-${version}.tgz`);

  if (!step('npm pack', 'npm', ['pack', '--pack-destination', folder]).ok) throw new Error('Nothing to check.');
  const publint = step('publint', 'node_modules/.bin/publint', ['run', tarball, '--strict']);
  const attw = step('attw', 'node_modules/.bin/attw', [tarball, '--profile', 'esm-only']);

  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'hello', private: true, type: 'module' }));
  writeFileSync(join(project, 'hello.js'), HELLO);
  const install = spawnSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], {
    cwd: project,
    encoding: 'utf8',
    timeout: 180_000,
  });
  if (install.status !== 0) {
    console.log(
      `npm install did not work (no network?); the tarball is unpacked beside the dependencies of this checkout\n${install.stderr}`,
    );
    const modules = join(project, 'node_modules');
    mkdirSync(join(modules, name), { recursive: true });
    step('tar', 'tar', ['-xzf', tarball, '--strip-components=1', '-C', join(modules, name)]);
    for (const dependency of [...Object.keys(dependencies), '@koromix'])
      symlinkSync(resolve('node_modules', dependency), join(modules, dependency));
  }
  const hello = step('hello', process.execPath, ['hello.js'], project);
  if (hello.ok && hello.stdout.trim() !== HELLO_SAYS)
    console.error(`✖ hello: printed ${JSON.stringify(hello.stdout)}, not ${HELLO_SAYS}`);
  const dead = deadLinks(join(project, 'node_modules', name));
  for (const link of dead) console.error(`✖ a link leads to nothing in the package: ${link}`);

  failed = [publint.ok, attw.ok, hello.ok && hello.stdout.trim() === HELLO_SAYS, dead.length === 0].filter(
    (ok) => !ok,
  ).length;
  console.log(
    `package: publint, attw, a hello program in an empty project and the links of the documents, ${failed} failed`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;
