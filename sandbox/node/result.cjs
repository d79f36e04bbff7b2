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

const RESULT = { what: 'result', verb: 'Return', most: MAX_BYTES };

// [message, hint]
function refusal(thrown, { what, verb }) {
  const message = typeof thrown?.message === 'string' ? thrown.message : String(thrown);
  if (/circular structure/.test(message)) {
    return [`The ${what} refers to itself, so it cannot become JSON.`, `${verb} only the values that matter.`];
  }
  if (/BigInt/.test(message))
    return [`The ${what} has a BigInt, which JSON does not know.`, `${verb} String(value) or Number(value).`];
  if (/call stack/.test(message))
    return [`The ${what} is nested too deeply: at most ${MAX_DEPTH} levels are kept.`, flatter(verb)];
  return [`The ${what} cannot become JSON: ${message}`, `${verb} plain objects, arrays, texts and numbers.`];
}

const flatter = (verb) => `${verb} a flatter one, such as a list.`;

// {json} or {refused: [message, hint]}; `words` = {what, verb, most} are for the message, and the most bytes.
// `stringify` is JSON.stringify of the main realm, so that toJSON methods which the code added there
// (BigInt.prototype.toJSON is a usual one) count.
function checkedJson(value, { stringify, byteLength }, words) {
  const { what, verb, most } = words;
  let json;
  try {
    json = stringify(value) ?? 'null';
  } catch (thrown) {
    return { refused: safely(() => refusal(thrown, words)) ?? [`The ${what} cannot become JSON.`, null] };
  }
  const bytes = byteLength(json);
  if (bytes > most) {
    const message = `The ${what} is ${size(bytes)} of JSON; at most ${size(most)} are kept.`;
    return { refused: [message, `${verb} less of it: a summary, or where the rest was stored.`] };
  }
  const depth = depthOf(json);
  if (depth > MAX_DEPTH) {
    const message = `The ${what} is nested ${depth} levels deep; at most ${MAX_DEPTH} are kept.`;
    return { refused: [message, flatter(verb)] };
  }
  return { json };
}

// The same for what a handler returned.
function toJson(value, host) {
  const { json, refused } = checkedJson(value, host, RESULT);
  if (refused) return { refused };
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

module.exports = { checkedJson, toJson };
