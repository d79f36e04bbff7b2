'use strict';
// The catalogue of failures: what a person can do about an error, told by its code or its message.

const { INSIDE } = require('./errors_inside.cjs');
const { OUTSIDE } = require('./errors_outside.cjs');
const { missingModule } = require('./missing.cjs');

const RULES = [...OUTSIDE, ...INSIDE];

// Mail packages put a code of their own on Node's error, whose code is then left in the message only.
const WRAPPING = new Set(['ESOCKET', 'ECONNECTION', 'EDNS']);

function codesOf({ code, message }) {
  const inner = WRAPPING.has(code) && /\bE[A-Z_]{4,}\b/.exec(message);
  return inner ? [code, inner[0]] : [code];
}

// {hint, reason} of the first rule that holds for an error, or null.
function ruleFor(link) {
  const codes = codesOf(link);
  for (const { codes: wanted, match, hint, reason = null } of RULES) {
    if (wanted && !codes.some((code) => wanted.includes(code))) continue;
    const found = match ? match.exec(link.message) : true;
    if (found) return { hint: typeof hint === 'string' ? hint : hint(link, found), reason };
  }
  return null;
}

// What the catalogue knows of an error and its causes (`links`, outermost first; the innermost knows most):
// {hint, reason} and, for a missing module, a better `message` and the importing `place`.
function hintFor(links, stacks) {
  for (const link of [...links].reverse()) {
    const missing = missingModule(link, stacks);
    if (missing) return { reason: null, ...missing };
    const rule = ruleFor(link);
    if (rule) return rule;
  }
  return { hint: null, reason: null };
}

module.exports = { hintFor, ruleFor };
