// The demonstration, `npm run demo`. Part 1 hashes, compresses and counts the words of real files, those of node_modules;
// part 2 computes a picture. Each is done in this thread, by one worker and by all, and the results are compared.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import { cpuCount, Pool, range, zip } from 'manycore';

const limits = { files: 9_000, bytes: 150e6, bytesPerFile: 4e6 };
const picture = { width: 1_600, height: 1_000, iterations: 2_500, left: -2.2, top: -1, scale: 2 / 1_000 };

interface Row {
  readonly work: string;
  readonly amount: string;
  /** Seconds in this thread, by one worker, by all. */
  readonly seconds: readonly [number, number, number];
  readonly same: boolean;
}

/** The first files of node_modules in the order of their names, up to the limits. */
function listFiles(root: string): { paths: string[]; bytes: number } {
  const paths: string[] = [];
  let bytes = 0;
  const visit = (folder: string): void => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (paths.length >= limits.files || bytes >= limits.bytes) return;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile()) {
        const { size } = statSync(join(root, path));
        if (size > limits.bytesPerFile) continue;
        paths.push(path);
        bytes += size;
      }
    }
  };
  visit('');
  return { paths, bytes };
}

async function timed<R>(run: () => R | Promise<R>): Promise<[seconds: number, result: R]> {
  const start = performance.now();
  const result = await run();
  return [(performance.now() - start) / 1_000, result];
}

/** Runs `use` with a pool whose workers are up, so that only the work is timed. */
async function withPool<R>(workers: number, use: (pool: Pool) => Promise<R>): Promise<[seconds: number, result: R]> {
  await using pool = new Pool(workers);
  await pool.broadcast(() => undefined);
  return await timed(() => use(pool));
}

async function examineFiles(workers: number): Promise<Row> {
  const root = fileURLToPath(new URL('../../node_modules', import.meta.url));
  const { paths, bytes } = listFiles(root);
  const size = `${(bytes / 1e6).toFixed(1)} MB`;
  console.log(`1. ${formatCount(paths.length)} files of node_modules, ${size}: SHA-256, gzip, words\n`);
  // All passes find the files in memory, not only the later ones.
  for (const path of paths) readFileSync(join(root, path));

  // A closure: it uses this function's `root` and this module's imports, and runs here and in the workers.
  const examine = (path: string): { path: string; sha256: string; packed: number; words: number } => {
    const content = readFileSync(join(root, path));
    let words = 0;
    let inWord = false;
    for (const byte of content) {
      const isLetter = (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90) || byte > 127;
      if (isLetter && !inWord) words++;
      inWord = isLetter;
    }
    return {
      path,
      sha256: createHash('sha256').update(content).digest('hex'),
      packed: gzipSync(content).length,
      words,
    };
  };

  const here = await timed(() => paths.map(examine));
  const pass = (label: string) => async (pool: Pool) => {
    const found: ReturnType<typeof examine>[] = [];
    for await (const file of pool.imapUnordered(examine, paths, { progress: label })) found.push(file);
    return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  };
  const one = await withPool(1, pass('files, 1 worker'));
  const all = await withPool(workers, pass(`files, ${workers} workers`));

  const sum = (key: 'words' | 'packed'): number => here[1].reduce((total, file) => total + file[key], 0);
  console.log(`\n   ${formatCount(sum('words'))} words; ${size} packed to ${(sum('packed') / 1e6).toFixed(1)} MB\n`);
  const expected = fingerprint(here[1].toSorted((a, b) => (a.path < b.path ? -1 : 1)));
  return {
    work: 'files: SHA-256, gzip, words',
    amount: `${formatCount(paths.length)} files`,
    seconds: [here[0], one[0], all[0]],
    same: fingerprint(one[1]) === expected && fingerprint(all[1]) === expected,
  };
}

async function drawMandelbrot(workers: number): Promise<Row> {
  const { width, height } = picture;
  console.log(`2. the Mandelbrot set, ${width} x ${height} pixels, a row each task\n`);

  // The row is made by a worker and moved here.
  const drawRow = (y: number): Uint8Array => {
    const row = new Uint8Array(1 + 3 * picture.width);
    for (let x = 0; x < picture.width; x++) {
      const cx = picture.left + x * picture.scale;
      const cy = picture.top + y * picture.scale;
      let [zx, zy, n] = [0, 0, 0];
      while (n < picture.iterations && zx * zx + zy * zy < 4) {
        [zx, zy] = [zx * zx - zy * zy + cx, 2 * zx * zy + cy];
        n++;
      }
      const shade = n === picture.iterations ? 0 : Math.sqrt(n / picture.iterations);
      row.set([255 * Math.min(1, 3 * shade), 255 * shade, 90 * (shade > 0 ? 1 - shade : 0)], 1 + 3 * x);
    }
    return row;
  };

  const here = await timed(() => [...range(height)].map(drawRow));
  const pass = (label: string) => (pool: Pool) => pool.map(drawRow, range(height), { progress: label });
  const one = await withPool(1, pass('rows, 1 worker'));
  const all = await withPool(workers, pass(`rows, ${workers} workers`));

  const file = fileURLToPath(new URL('../mandelbrot.png', import.meta.url));
  mkdirSync(fileURLToPath(new URL('..', import.meta.url)), { recursive: true });
  writeFileSync(file, png(width, height, Buffer.concat(all[1])));
  console.log(`\n   ${file}\n`);
  return {
    work: 'Mandelbrot set',
    amount: `${formatCount(width * height)} pixels`,
    seconds: [here[0], one[0], all[0]],
    same: [one, all].every(([, rows]) => Buffer.concat(rows).equals(Buffer.concat(here[1]))),
  };
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A PNG file of 8-bit RGB; each row begins with its filter, 0. */
function png(width: number, height: number, rows: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const fingerprint = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

const formatCount = (count: number): string => count.toString().replaceAll(/\B(?=(\d{3})+$)/g, ',');

function printTable(rows: readonly Row[], workers: number): void {
  const head = ['', '', 'this thread', '1 worker', `${workers} workers`, 'speed-up', 'same result'];
  const body = rows.map(({ work, amount, seconds, same }) => [
    work,
    amount,
    ...seconds.map((s) => `${s.toFixed(2)} s`),
    `${(seconds[1] / seconds[2]).toFixed(2)} x`,
    same ? 'yes' : 'NO',
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((cells) => cells[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `  ${[...zip(cells, widths)].map(([cell, width], i) => (i === 0 ? cell.padEnd(width) : cell.padStart(width))).join('   ')}`;
  const rule = `  ${'-'.repeat(widths.reduce((sum, width) => sum + width + 3, -3))}`;
  console.log([rule, line(head), rule, ...body.map(line), rule].join('\n'));
  console.log(`  speed-up: ${workers} workers against 1 worker; this computer lends ${cpuCount()} cores`);
}

const workers = Math.max(2, cpuCount());
console.log(`manycore on Node ${process.version}, ${workers} worker processes\n`);
const rows = [await examineFiles(workers), await drawMandelbrot(workers)];
printTable(rows, workers);
if (rows.some(({ same }) => !same)) {
  console.error('The workers computed something else than this thread.');
  process.exitCode = 1;
}
