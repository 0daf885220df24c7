// The least that a thread can do: CommonJS, since that starts sooner than an ES module.
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- A port has no origin.
require('node:worker_threads').parentPort.postMessage(49);
