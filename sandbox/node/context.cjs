'use strict';
// Makes the handler's second argument: who is running, until when, and the signal that says stop.

const hrtime = process.hrtime.bind(process);

function milliseconds() {
  const now = hrtime();
  return now[0] * 1000 + now[1] / 1e6;
}

// {context, remaining(), abort()}: `given` are the run's facts, the time limit counts from now, and
// `openKept(remaining)` makes what the code can ask of the service.
function makeContext(given, timeoutMs, openKept) {
  const end = milliseconds() + timeoutMs;
  const remaining = () => end - milliseconds();
  let controller = null;
  let aborted = false;
  let opened = null;
  // Not before it is asked for: most handlers never do.
  const kept = () => (opened ??= openKept(remaining));

  const context = {
    ...given,
    deadline: Date.now() + timeoutMs,
    getRemainingTimeInMillis: () => (remaining() > 0 ? Math.floor(remaining()) : 0),
    // Made when it is first asked for: most handlers never do, and loading AbortController takes a while.
    get signal() {
      controller ??= new AbortController();
      if (aborted) controller.abort();
      return controller.signal;
    },
    get kv() {
      return kept().kv;
    },
    once: (key, action, options) => kept().once(key, action, options),
  };

  function abort() {
    aborted = true;
    controller?.abort();
  }

  return { context, remaining, abort };
}

module.exports = { makeContext, milliseconds };
