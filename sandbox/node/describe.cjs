'use strict';
// Turns whatever was thrown into the fields of an ErrorDetail, trusting none of its properties.

const { hintFor } = require('./errors.cjs');
const { bounded } = require('./text.cjs');

const MAX_MESSAGE = 8 * 1024;
const MAX_STACK = 16 * 1024;
const MAX_HEAD = 2 * 1024;
const MAX_SOURCE_LINE = 300;
const MAX_CAUSES = 5;

// A property of a hostile object: a getter or a proxy may throw.
function peek(value, name) {
  try {
    return value[name];
  } catch {
    return undefined;
  }
}

function text(value, name) {
  const found = peek(value, name);
  return typeof found === 'string' ? found : null;
}

// Whether what was thrown says of itself that another attempt ends the same. Only its own property counts,
// and no getter is asked: packages give their errors prototypes with all sorts of things.
function isFinal(thrown) {
  try {
    return Object.getOwnPropertyDescriptor(Object(thrown), 'retryable')?.value === false;
  } catch {
    return false;
  }
}

// `host` gives isNativeError and inspect of the main realm; `stacks` comes from stack.cjs.
function openDescriber({ host, stacks }) {
  function isError(value) {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
    return host.isNativeError(value) || (text(value, 'message') !== null && text(value, 'stack') !== null);
  }

  function printed(value) {
    try {
      const bounds = {
        depth: 2,
        maxStringLength: 1000,
        maxArrayLength: 20,
        compact: true,
        breakLength: Infinity,
      };
      const shown = host.inspect(value, { ...bounds, customInspect: false, getters: false }).split('\n')[0];
      // The sign of a cut, by which whoever masks secrets knows that half a value may be before it.
      return shown.replace(/(['"`])(?=\.\.\. \d+ more char)/g, '…$1');
    } catch {
      return 'a value that cannot be printed';
    }
  }

  function typeOf(error) {
    const name = text(error, 'name') || 'Error';
    const own = text(peek(error, 'constructor'), 'name');
    return name === 'Error' && own && own !== 'Object' ? own : name;
  }

  function codeOf(error) {
    const code = peek(error, 'code');
    return typeof code === 'string' || typeof code === 'number' ? bounded(String(code), 64) : null;
  }

  // The parts of one error that messages and hints are made of.
  function snapshot(value) {
    const message = text(value ?? '', 'message');
    const port = peek(value ?? '', 'port');
    const link = { code: codeOf(value ?? ''), port: typeof port === 'number' ? port : null };
    for (const name of ['syscall', 'address', 'hostname', 'path']) link[name] = text(value ?? '', name);
    if (isError(value)) {
      return {
        ...link,
        type: typeOf(value),
        message: (message ?? '').slice(0, 2 * MAX_MESSAGE),
        stack: text(value, 'stack') ?? '',
      };
    }
    const said = message ?? `The code threw ${printed(value)}, which is not an Error.`;
    return {
      ...link,
      type: value === null ? 'null' : typeof value,
      message: said.slice(0, 2 * MAX_MESSAGE),
      stack: '',
    };
  }

  // What is behind an error: its cause, or the first errors of an AggregateError.
  function below(value) {
    const list = peek(value, 'errors');
    const first = isError(value) && host.isArray(list) ? [peek(list, 0), peek(list, 1)] : [];
    return [peek(value, 'cause'), ...first].filter((one) => one !== undefined && one !== null);
  }

  // The error and what caused it, outermost first, each once.
  function chain(thrown) {
    const seen = [thrown];
    for (let index = 0; index < seen.length && seen.length <= MAX_CAUSES; index += 1) {
      if (!isError(seen[index])) continue;
      for (const one of below(seen[index]))
        if (!seen.includes(one) && seen.length <= MAX_CAUSES) seen.push(one);
    }
    return seen.map(snapshot);
  }

  function fullMessage([outer, ...causes]) {
    const lines = [outer.message];
    for (const cause of causes) {
      if (cause.message && !lines.join('\n').includes(cause.message))
        lines.push(`Caused by: ${cause.type}: ${cause.message}`);
    }
    return lines.filter(Boolean).join('\n') || `${outer.type} without a message`;
  }

  function fullStack(links) {
    const cleaned = links.map((link) => stacks.cleaned(link.stack, MAX_HEAD)).filter(Boolean);
    return cleaned.join('\nCaused by: ');
  }

  function position(links) {
    for (const link of links) {
      const found = stacks.position(link.stack);
      if (found) return found;
    }
    return { file: null, line: null, column: null, source_line: null };
  }

  // All fields of an ErrorDetail, and `reason`: "denied" or "memory" if the sandbox refused something.
  return function describe(thrown) {
    const links = chain(thrown);
    const found = hintFor(links, stacks);
    const place = found.place ?? position(links);
    const message = stacks.withoutFolder(found.message ?? fullMessage(links));
    return {
      reason: found.reason,
      type: bounded(links[0].type, 128),
      message: bounded(message, MAX_MESSAGE),
      stack: bounded(fullStack(links), MAX_STACK),
      file: place.file && bounded(place.file, 512),
      line: place.line,
      column: place.column,
      source_line: place.source_line && bounded(place.source_line.trimEnd(), MAX_SOURCE_LINE),
      code: links.map((link) => link.code).find(Boolean) ?? null,
      hint: found.hint,
    };
  };
}

module.exports = { isFinal, openDescriber };
