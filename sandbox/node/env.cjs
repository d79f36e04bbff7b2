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

// The base's variables as the process was started with them.
function baseOf(real) {
  const base = { NODE_ENV: 'production' };
  for (const name of BASE) if (real[name] !== undefined) base[name] = real[name];
  return base;
}

// Makes the process's variables exactly the base and `variables`. They are set for real, so child processes,
// worker threads and time zones see them as well.
function replaceVariables(real, variables) {
  for (const name of Object.keys(real)) if (variables[name] === undefined) delete real[name];
  for (const name of Object.keys(variables)) if (real[name] !== variables[name]) real[name] = variables[name];
}

// A stand-in for process.env: `proxy`, and what was read through it since `begin`, which sets the variables of
// one run; if that finds its module `loaded` ahead, what was read then was read by it. `callerPlace()` says which line of the function's own code is asking ({file, line}, or null for
// packages and Node itself); it is asked on a miss only.
function openEnv(real) {
  const base = baseOf(real);
  let run;

  function begin({ variables, optional, callerPlace, loaded }) {
    replaceVariables(real, { ...base, ...variables });
    const given = new Set(Object.keys(variables));
    const withFallback = new Set(optional);
    const before = loaded ? run : { read: new Set(), missing: [] };
    run = { given, ownDoing: new Set(), withFallback, read: before.read, missing: before.missing, looks: 0, callerPlace };
  }

  function missed(name) {
    const { read, ownDoing, withFallback, missing } = run;
    if (
      read.has(name) ||
      ownDoing.has(name) ||
      NOT_VARIABLES.has(name) ||
      read.size >= MAX_NAMES ||
      run.looks >= MAX_LOOKS
    )
      return;
    run.looks += 1;
    const place = run.callerPlace();
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
      else if (run.given.has(name)) run.read.add(name);
      return value;
    },
    // Without this trap Node would refuse the assignment, because its receiver is the proxy.
    set(target, name, value) {
      target[name] = value;
      run.ownDoing.add(name);
      return true;
    },
  });

  return { proxy, begin, read: () => [...run.read].map((name) => name.slice(0, 128)), missing: () => run.missing };
}

module.exports = { openEnv };
