'use strict';
// Turns what the handler returned into JSON text that can be stored, or says why it cannot.

const { size } = require('./text.cjs');

const MAX_BYTES = 256 * 1024;
const MAX_DEPTH = 100;
const ESCAPE = /\\(?:u(?:d[89a-f][0-9a-f]{2}|0000)|[^])/g;

// How deep arrays and objects are nested in JSON text.
function depthOf(json) {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let index = 0; index < json.length; index += 1) {
    const char = json[index];
    if (char === '\\') index += 1;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && (char === '[' || char === '{')) deepest = Math.max(deepest, (depth += 1));
    else if (!quoted && (char === ']' || char === '}')) depth -= 1;
  }
  return deepest;
}

const FLATTER = 'Return a flatter one, such as a list.';

// [message, hint]
function refusal(thrown) {
  const message = typeof thrown?.message === 'string' ? thrown.message : String(thrown);
  if (/circular structure/.test(message)) {
    return ['The result refers to itself, so it cannot become JSON.', 'Return only the values that matter.'];
  }
  if (/BigInt/.test(message))
    return ['The result has a BigInt, which JSON does not know.', 'Return String(value) or Number(value).'];
  if (/call stack/.test(message)) return [`The result is nested too deeply: at most ${MAX_DEPTH} levels are kept.`, FLATTER];
  return [`The result cannot become JSON: ${message}`, 'Return plain objects, arrays, texts and numbers.'];
}

// {json} or {refused: [message, hint]}. `stringify` is JSON.stringify of the main realm, so that toJSON
// methods which the code added there (BigInt.prototype.toJSON is a usual one) count.
function toJson(value, { stringify, byteLength }) {
  let json;
  try {
    json = stringify(value) ?? 'null';
  } catch (thrown) {
    return { refused: safely(() => refusal(thrown)) ?? ['The result cannot become JSON.', null] };
  }
  const bytes = byteLength(json);
  if (bytes > MAX_BYTES) {
    const message = `The result is ${size(bytes)} of JSON; at most ${size(MAX_BYTES)} are kept.`;
    return { refused: [message, 'Return less of it: a summary, or where the rest was stored.'] };
  }
  if (depthOf(json) > MAX_DEPTH) {
    const message = `The result is nested ${depthOf(json)} levels deep; at most ${MAX_DEPTH} are kept.`;
    return { refused: [message, FLATTER] };
  }
  // NUL and lone surrogates, which databases refuse, are the only escapes of these forms that
  // JSON.stringify writes.
  return { json: json.replace(ESCAPE, (found) => (found.length > 2 ? '\\ufffd' : found)) };
}

function safely(action) {
  try {
    return action();
  } catch {
    return null;
  }
}

module.exports = { toJson };
