// The least that a thread can do: CommonJS, since that starts sooner than an ES module.
require('node:worker_threads').parentPort.postMessage(49);
