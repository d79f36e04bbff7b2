'use strict';
// Drives one run to its frame: loads, calls, lets pending work end, catches every way of ending early.

const { makeContext } = require('./context.cjs');
const { loadHandler, NoHandler } = require('./handler.cjs');

// Bound before user code runs, which may replace them.
const listenerCount = process.listenerCount.bind(process);
const exit = process.exit.bind(process);
const reallyExit = process.reallyExit.bind(process);
const later = setTimeout;
const never = clearTimeout;
const soon = setImmediate;

// Time that is kept free at the end so that a handler which ended before the time limit is not reported as
// stopped by it.
const MARGIN_MS = 100;

const UNSETTLED = {
  load: 'Loading the file never ended: a top-level await waits for something that can no longer happen.',
  run: 'The handler never ended: it waits for something that can no longer happen.',
};
const UNSETTLED_HINT =
  'Nobody calls the resolve or reject of a promise. Look at each new Promise(…) and at each callback.';

const THREAD = 'Loading the module has started a worker thread that goes on: a process that waits must not.';

// For errors of which the catalogue knows nothing better.
const UNCAUGHT_HINTS = {
  unhandledRejection:
    'Nobody awaited the promise that failed: write await before the call, or .catch(…) behind it.',
  uncaughtException:
    'It was thrown in a callback (of a timer, an event, a stream), where no try of the handler catches it: catch it there.',
};

// What the process's end, and all that leads to it, is told to: the run that is going on.
let going = null;

function watch() {
  process.exit = function (...code) {
    going.leavesAt(new Error('process.exit'));
    return Reflect.apply(exit, process, code);
  };
  process.reallyExit = (code) => going.leaves(code);
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    // A listener of the code's own takes care of it, as in plain Node.
    process.on(event, (thrown) => listenerCount(event) > 1 || going.failed(event, thrown));
  }
  process.on('beforeExit', () => going.emptied());
  process.on('SIGTERM', () => going.told());
}

// Starts the run that `control` (the control frame) asks for. `report` comes from report.cjs,
// `importFile()` imports the function's file, `pendingWarning(seconds)` names what is still open,
// `openKept(remaining)` makes context.kv and context.once. The process ends when the run does; but if it is
// to be reused, and nothing of a run that succeeded is left (as far as `aliveThreads()` of the code's own are known),
// `next()` waits for another one and starts it.
function startRun({ control, report, importFile, pendingWarning, openKept, aliveThreads, next }) {
  const { context, remaining, abort } = makeContext(control.context, control.timeout_ms, openKept);
  let stage = 'load';
  let outcome = null;
  let decided = null;
  let settledAt = null;
  let exitedAt = null;
  let patience = null;

  function warnOfCode(result) {
    if (result.ok && process.exitCode && !exitedAt) {
      report.warn('process.exitCode was set, but a run fails only when its handler throws.');
    }
  }

  // Nothing changes the outcome any more; the code's own exit listeners run before the frame, because some
  // write logs.
  function finish(result, code = 0) {
    warnOfCode(result);
    decided ??= { result, code };
    try {
      exit(code);
    } catch {
      // A listener threw, which is too late to matter.
    }
    leave();
  }

  function leave() {
    report.send(decided.result);
    reallyExit(decided.code);
  }

  // The frame, and no end: nothing runs here until there is another run.
  function rest() {
    never(patience);
    warnOfCode(outcome);
    process.exitCode = undefined;
    report.send(outcome, true);
    next();
  }

  function cutOff() {
    report.warn(pendingWarning(Math.round((settledAt - remaining()) / 100) / 10));
    finish(outcome);
  }

  function settle(result) {
    stage = 'settled';
    outcome = result;
    settledAt = remaining();
    const ms = settledAt - MARGIN_MS < control.settle_ms ? settledAt - MARGIN_MS : control.settle_ms;
    // Not counted as work itself: with nothing else left the loop ends at once, and beforeExit finishes.
    patience = later(cutOff, ms > 0 ? ms : 0).unref();
  }

  function failed(event, thrown) {
    if (stage === 'settled' && !outcome.ok) return;
    if (stage === 'settled')
      report.warn('The error came after the handler had returned: something was not awaited.');
    const result = report.threw(stage === 'load' ? 'load' : 'error', thrown);
    result.error.hint ??= UNCAUGHT_HINTS[event];
    finish(result);
  }

  // How the run ends when the code calls process.exit(code).
  function exited(code) {
    if (stage === 'settled') return { result: outcome, code: 0 };
    const message = `The code called process.exit(${code}) before the handler had ended.`;
    const hint = 'Return from the handler when the work is done, and throw an Error when it failed.';
    return { result: report.failure('exit', 'ProcessExit', message, { hint, thrown: exitedAt }), code };
  }

  function nothingGoesOn() {
    // Listeners of the code's own would be called when the next run has begun: they follow ours.
    return listenerCount('beforeExit') === 1 && aliveThreads() === 0;
  }

  // The loop has nothing to wait for any more.
  function emptied() {
    if (stage !== 'settled') finish(report.failure('unsettled', 'Unsettled', UNSETTLED[stage], { hint: UNSETTLED_HINT }));
    else if (control.reuse && outcome.ok && nothingGoesOn()) rest();
    else finish(outcome);
  }

  // The keeper says that it is to stop.
  function told() {
    abort();
    if (stage === 'settled') cutOff();
  }

  function leaves(code) {
    decided ??= exited(code);
    leave();
  }

  async function load() {
    try {
      return await loadHandler(control.handler, importFile);
    } catch (thrown) {
      if (thrown instanceof NoHandler) finish(report.failure('load', 'NoHandler', thrown.message));
      return finish(report.threw('load', thrown));
    }
  }

  async function run() {
    const handler = await load();
    if (control.mode === 'load') finish(report.done());
    if (control.mode === 'preload') {
      if (aliveThreads() > 0) finish(report.failure('load', 'WorkerThread', THREAD));
      outcome = report.done();
      return rest();
    }
    stage = 'run';
    try {
      settle(report.returned(await handler(control.event, context)));
    } catch (thrown) {
      settle(report.threw('error', thrown));
    }
  }

  const first = going === null;
  going = { failed, emptied, told, leaves, leavesAt: (place) => (exitedAt = place) };
  if (first) watch();
  // Work for the loop: without any it would end before a run that waits for nothing is told that it has.
  else soon(() => {});
  run();
}

module.exports = { startRun };
