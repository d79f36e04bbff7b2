'use strict';
// Gives the function its environment variables and remembers which of them it read.

const BASE = new Set(['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG']);
// What JSON.stringify, await and printers ask any object for.
const NOT_VARIABLES = new Set([
  'toJSON',
  'then',
  'inspect',
  'asymmetricMatch',
  '$$typeof',
  'nodeType',
  '@@__IMMUTABLE_ITERABLE__@@',
]);
const MAX_LOOKS = 500;
const MAX_NAMES = 256;

// Makes the process's variables exactly the base, NODE_ENV and `variables`. They are set for real, so
// child processes, worker threads and time zones see them as well.
function replaceVariables(real, variables) {
  for (const name of Object.keys(real)) if (!BASE.has(name)) delete real[name];
  real.NODE_ENV = 'production';
  for (const name of Object.keys(variables)) real[name] = variables[name];
}

// A stand-in for process.env: `proxy`, and what was read through it so far. `callerPlace()` says which
// line of the function's own code is asking ({file, line}, or null for packages and Node itself); it is
// asked on a miss only.
function recordEnv({ real, variables, optional, callerPlace }) {
  replaceVariables(real, variables);
  const given = new Set(Object.keys(variables));
  const ownDoing = new Set();
  const withFallback = new Set(optional);
  const read = new Set();
  const missing = [];
  let looks = 0;

  function missed(name) {
    if (
      read.has(name) ||
      ownDoing.has(name) ||
      NOT_VARIABLES.has(name) ||
      read.size >= MAX_NAMES ||
      looks >= MAX_LOOKS
    )
      return;
    looks += 1;
    const place = callerPlace();
    if (!place) return;
    read.add(name);
    if (!withFallback.has(name))
      missing.push({ name: name.slice(0, 128), file: place.file, line: place.line });
  }

  const proxy = new Proxy(real, {
    get(target, name) {
      const value = target[name];
      if (typeof name === 'symbol') return value;
      if (value === undefined) missed(name);
      else if (given.has(name)) read.add(name);
      return value;
    },
    // Without this trap Node would refuse the assignment, because its receiver is the proxy.
    set(target, name, value) {
      target[name] = value;
      ownDoing.add(name);
      return true;
    },
  });

  return { proxy, read: () => [...read].map((name) => name.slice(0, 128)), missing: () => missing };
}

module.exports = { recordEnv };
