'use strict';
// Collects how the run went and sends it, once, as the result frame.

const { isFinal, openDescriber } = require('./describe.cjs');
const { toJson } = require('./result.cjs');
const { openStacks } = require('./stack.cjs');
const { bounded } = require('./text.cjs');

const MAX_WARNINGS = 20;
const MAX_WARNING = 1024;
const CALLER_FRAMES = 12;

const NOWHERE = { stack: '', file: null, line: null, column: null, source_line: null };

// `host` are functions of the main realm, taken before user code ran (see bootstrap.cjs); `env` comes from
// env.cjs; `control` is the parsed control frame; `folders` = {root, rootUrl, ours}; `loaded`: for this run the module
// was loaded ahead.
function openReport({ host, env, pipes, control, folders, loaded }) {
  const { nonce } = control;
  function readLines(file) {
    try {
      return host.readFileSync(`${folders.root}/${file}`, 'utf8').split('\n');
    } catch {
      return [];
    }
  }

  const stacks = openStacks({ ...folders, readLines });
  const describe = openDescriber({ host, stacks });
  const warnings = [];
  let sent = false;

  function callerPlace() {
    Error.stackTraceLimit = CALLER_FRAMES;
    return stacks.caller(new Error().stack);
  }

  env.begin({ variables: control.env, optional: control.optional_env, callerPlace, loaded });

  function failure(reason, type, message, { hint = null, thrown = null } = {}) {
    const place = thrown ? describe(thrown) : NOWHERE;
    const { stack, file, line, column, source_line } = place;
    const error = {
      type,
      message: bounded(message, 8192),
      stack,
      file,
      line,
      column,
      source_line,
      code: null,
      hint,
    };
    return { ok: false, reason, result: null, error };
  }

  return {
    warn(message) {
      if (warnings.length < MAX_WARNINGS) warnings.push(bounded(message, MAX_WARNING));
    },

    done: () => ({ ok: true, reason: 'ok', result: null, error: null }),

    // The outcome of a handler that returned `value`.
    returned(value) {
      const { json, refused } = toJson(value, host);
      if (refused) return failure('result', 'ResultError', refused[0], { hint: refused[1] });
      return { ok: true, reason: 'ok', result: json, error: null };
    },

    // The outcome of code that threw: while it was loaded (`stage` "load") or run ("error"), unless the cause
    // is a reason of its own.
    threw(stage, thrown) {
      try {
        const { reason, ...error } = describe(stage === 'load' ? host.withPosition(thrown) : thrown);
        const better = reason === 'memory' || stage === 'error' ? reason : null;
        return { ok: false, reason: better ?? stage, result: null, error, retryable: !isFinal(thrown) };
      } catch {
        return failure(stage, 'Error', 'The code threw something that cannot be described.');
      }
    },

    // An outcome in words of ours; `thrown`, if given, is an Error made at the place that it is about.
    failure,

    json: (text) => ({ ok: true, reason: 'ok', result: text, error: null }),

    // `again`: the process waits for another run.
    send(outcome, again = false) {
      if (sent) return;
      sent = true;
      const read = { env_read: env.read(), env_missing: env.missing() };
      pipes.frame(JSON.stringify({ nonce, again, ...outcome, warnings, ...read }));
    },
  };
}

module.exports = { openReport };
