'use strict';
// Lets worker threads start under the memory limit: those of this thread and, as a module that they load
// first, theirs.

const { syncBuiltinESMExports } = require('node:module');
const threads = require('node:worker_threads');

// V8 reserves half a gigabyte of addresses for the machine code of each thread, which the limit counts as
// if it were used. So much is enough for the code of a large package.
const CODE_RANGE_MB = 32;

function withRoom(options) {
  return {
    ...options,
    execArgv: [...(options?.execArgv ?? []), '--require', __filename],
    resourceLimits: { codeRangeSizeMb: CODE_RANGE_MB, ...options?.resourceLimits },
  };
}

let alive = 0;

// If the code takes this listener away, the thread counts for ever.
function counted(worker) {
  alive += 1;
  worker.once('exit', () => (alive -= 1));
  return worker;
}

threads.Worker = new Proxy(threads.Worker, {
  construct: (Worker, [file, options], target) =>
    counted(Reflect.construct(Worker, [file, withRoom(options)], target)),
});
syncBuiltinESMExports();

// How many threads of this one have not ended yet.
module.exports = { aliveThreads: () => alive };
