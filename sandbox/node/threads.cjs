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

threads.Worker = new Proxy(threads.Worker, {
  construct: (Worker, [file, options], target) =>
    Reflect.construct(Worker, [file, withRoom(options)], target),
});
syncBuiltinESMExports();
