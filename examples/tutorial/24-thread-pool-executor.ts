// Twelve pages from a server by ThreadPoolExecutor: by submit and asCompleted, which gives them as they come, then by map,
// which gives them in the order of the addresses.
//   with ThreadPoolExecutor(max_workers=3) as executor:
//       future_to_url = {executor.submit(load_url, url): url for url in urls}
//       for future in as_completed(future_to_url): print(future_to_url[future], len(future.result()))
//       for page in executor.map(load_url, urls): ...
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asCompleted, ThreadPoolExecutor } from 'manycore/futures';

// A server of our own: the pages of the tutorial are on the network. Page n takes the longer the smaller n is.
const server = createServer((request, response) => {
  const page = Number(request.url?.slice(1));
  setTimeout(() => response.end(`page ${page} `.repeat(page)), 10 * (12 - page));
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const urls = Array.from({ length: 12 }, (_, page) => `http://127.0.0.1:${port}/${page}`);

async function loadUrl(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  return response.text();
}

await using executor = new ThreadPoolExecutor({ maxWorkers: 3 });

console.log('submit and asCompleted:');
const urlOf = new Map(urls.map((url) => [executor.submit(loadUrl, url), url]));
const came: string[] = [];
for await (const future of asCompleted(urlOf.keys())) {
  const url = urlOf.get(future)!;
  const page = await future.result();
  console.log(`  ${url}: ${page.length} characters`);
  came.push(url);
}
assert.deepEqual(came.toSorted(), urls.toSorted());

console.log('map:');
let place = 0;
for await (const page of executor.map(loadUrl, urls)) {
  console.log(`  ${urls[place]}: ${page.length} characters`);
  assert.equal(page, `page ${place} `.repeat(place));
  place++;
}
assert.equal(place, 12);
server.close();
