// Walks everything that can be reached from the globals and the module system, and reports where the nonce is.
const { isMap, isSet } = require('node:util').types;

const NONCE = /^[0-9a-f]{32}$/;

// Some getters that the search reads give rejected promises.
process.on('unhandledRejection', () => {});

function search(roots) {
  const seen = new Set();
  const waiting = Object.entries(roots);
  const found = [];
  while (waiting.length) {
    const [path, value] = waiting.pop();
    if (typeof value === 'string' && NONCE.test(value)) found.push(path);
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value)) continue;
    seen.add(value);
    const names = [...Object.getOwnPropertyNames(value), ...Object.getOwnPropertySymbols(value)];
    for (const name of names) waiting.push([`${path}.${String(name)}`, read(value, name)]);
    waiting.push([`${path}.[[prototype]]`, Object.getPrototypeOf(value)]);
    waiting.push([`${path}.items`, items(value)]);
  }
  return { found, seen: seen.size };
}

function read(value, name) {
  try {
    return value[name];
  } catch {
    return undefined;
  }
}

function items(value) {
  try {
    return isMap(value) || isSet(value) ? [...value] : undefined;
  } catch {
    return undefined;
  }
}

exports.handler = async (event, context) => {
  context.kv.get('opens the pipe of answers').catch(() => {});
  const sites = [];
  Error.prepareStackTrace = (error, list) => list;
  for (const site of new Error().stack) sites.push(site.getFunction(), site.getThis());
  delete Error.prepareStackTrace;
  const listeners = process.eventNames().map((name) => process.rawListeners(name));
  const streams = [process.stdout, process.stderr];
  const planted = new Map([['inside', { text: 'f'.repeat(32) }]]);
  const roots = { globalThis, module, require, cache: require.cache, listeners, sites, streams, process, planted };
  Object.assign(roots, { context, handles: process._getActiveHandles() });
  const { found, seen } = search(roots);
  return { found, enough: seen > 1000, modules: Object.keys(require.cache).map((path) => path.split('/').at(-1)) };
};
