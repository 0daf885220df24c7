// A program that one of its own modules imports: a worker must not run it.
import { plain, usesMain } from './imports-main.ts';

console.log('main runs');
export const fromMain = 5;
const { createRunner } = (await import(process.env['RUNNER']!)) as typeof import('../runner.ts');
const runner = createRunner(process.env['KIND'] as 'thread' | 'process');
console.log(await runner.run((x: number) => plain(x), 1));
await runner.run(() => usesMain()).catch((error: unknown) => console.log((error as Error).message));
await runner.close();
