'use strict';
// Makes text safe to store: bounded in bytes, and without what UTF-8 or a database refuses.

const UNSTORABLE = /[\0\p{Surrogate}]/gu;

// `text` with U+FFFD for NUL and lone surrogates, cut with … at `limit` bytes of UTF-8.
function bounded(text, limit) {
  let bytes = 0;
  const clean = text.slice(0, limit + 1).replace(UNSTORABLE, '\ufffd');
  for (let index = 0; index < clean.length;) {
    const point = clean.codePointAt(index);
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (bytes > limit) return `${clean.slice(0, index)}…`;
    index += point < 0x10000 ? 1 : 2;
  }
  return clean;
}

// "312 KB", "1.5 MB": of 1024 and 1024 × 1024 bytes, as in the limits.
function size(bytes) {
  if (bytes < 1024 * 1024) return `${Math.ceil(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

module.exports = { bounded, size };
