/** Sending functions: what the layers above use. The worker entries import `rebuild.ts` alone and this when they first send. */
export { createReader, isConstant, warmUp } from './capture.ts';
export { describe } from './explain.ts';
export { capture } from './explicit.ts';
export { installLoaders } from './loaders.ts';
export { mainUrl } from './main-module.ts';
export { createBuilder } from './rebuild.ts';
