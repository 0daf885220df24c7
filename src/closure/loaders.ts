import { isMainThread } from 'node:worker_threads';

/**
 * Sets up in a worker thread what loaders named in `execArgv` do not set up there by themselves: before Node 22, tsx hooks
 * the main thread only. To be awaited before the worker imports anything for the user.
 */
export async function installLoaders(execArgv: readonly string[]): Promise<void> {
  if (isMainThread || Number(process.versions.node.split('.')[0]) >= 22) return;
  const loader = execArgv.find((argument) => /tsx[\\/]dist[\\/](?:loader|esm[\\/]index)\.mjs|^(?:--(?:import|loader)=)?tsx(?:\/esm)?$/.test(argument));
  if (loader === undefined) return;
  const address = loader.replace(/^--(?:import|loader)=/, '');
  const api = /\.mjs$/.test(address) ? new URL(/loader\.mjs$/.test(address) ? './esm/api/index.mjs' : './api/index.mjs', toUrl(address)).href : resolveApi();
  const { register } = (await import(api)) as { register(): unknown };
  register();
}

function toUrl(address: string): string {
  return address.startsWith('file:') ? address : process.getBuiltinModule('node:url').pathToFileURL(address).href;
}

/** tsx by name: it is the user's, so it is found from the working folder, as Node finds it for `--import`. */
function resolveApi(): string {
  const require = process.getBuiltinModule('node:module').createRequire(`${process.cwd()}/`);
  // `require` gives the CommonJS form, which cannot register hooks for modules.
  return toUrl(require.resolve('tsx/esm/api').replace(/\.cjs$/, '.mjs'));
}
