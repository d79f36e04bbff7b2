'use strict';
// Reads and cleans V8 stack traces: where in the function's own code something happened.

const FRAME = /^\s+at /;
const POSITION = /(?:\(|at (?:async )?)([^()]+?):(\d+):(\d+)\)?$/;
const CARET = /^\s*\^+\s*$/;
const NODE_FRAME = /[ (]node:[^()]*\)?$/;
const REQUIRE_STACK = /\nRequire stack:(?:\n- .*)*/;
const MAX_LINE = 1000;
const MAX_STACK = 64 * 1024;

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// Whoever masks secrets must see that a text is cut, because half a value may be at its end.
const cut = (text, length) => (text.length > length ? `${text.slice(0, length)}…` : text);

function decoded(url) {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}

// The position that Node puts before the stack of a syntax error: "file:line", source lines, a caret below
// the last.
function headerOf(stack) {
  const lines = stack.split('\n');
  const found = /^(.*):(\d+)$/.exec(lines[0]);
  const caret = lines.findIndex((line) => CARET.test(line));
  if (!found || caret < 1) return null;
  return {
    file: found[1],
    line: Number(found[2]),
    column: lines[caret].indexOf('^') + 1,
    source_line: lines[caret - 1],
  };
}

// `root` is the absolute path of the function's folder, `ours` that of these modules, `rootUrl` is root as
// a file: URL.
function openStacks({ root, rootUrl, ours, readLines }) {
  const folder = new RegExp(`(?<![\\w.:/-])(?:${escaped(rootUrl)}|${escaped(root)})/`, 'g');

  // The path inside the function's folder, or null for anything else.
  function relative(file) {
    if (file.startsWith(`${rootUrl}/`)) return decoded(file.slice(rootUrl.length + 1)).replace(/[?#].*$/, '');
    return file.startsWith(`${root}/`) ? file.slice(root.length + 1) : null;
  }

  function place(line) {
    const found = POSITION.exec(line);
    const file = found && relative(found[1]);
    if (!file) return null;
    return {
      file,
      line: Number(found[2]),
      column: Number(found[3]),
      own: !/(^|\/)node_modules\//.test(file),
    };
  }

  const isOurs = (line) => line.includes(`${ours}/`);

  // [lines of the title, lines of frames]; the middle of an endless message is left out.
  function parts(stack) {
    const half = MAX_STACK / 2;
    const short = stack.length > MAX_STACK ? `${stack.slice(0, half)}…\n${stack.slice(-half)}` : stack;
    const lines = short.split('\n').map((line) => cut(line, MAX_LINE));
    const first = lines.findIndex((line) => FRAME.test(line));
    return first < 0
      ? [lines, []]
      : [lines.slice(0, first), lines.slice(first).filter((line) => FRAME.test(line))];
  }

  function headerPosition(head) {
    const found = headerOf(head.join('\n'));
    const file = found && relative(found.file);
    return file ? { ...found, file } : null;
  }

  return {
    relative,
    readLines,

    // `text` without the folder's path, so that /code/index.mjs reads index.mjs, and without Node's list
    // of requirers.
    withoutFolder: (text) => text.replace(REQUIRE_STACK, '').replace(folder, ''),

    // The stack without frames of ours and of Node's own code, and without the lines before "Type:
    // message".
    cleaned(stack, headLimit) {
      const [head, frames] = parts(stack);
      const begin = headerPosition(head) ? head.findIndex((line) => line.startsWith('SyntaxError')) : 0;
      const title = head.slice(begin).join('\n').replace(REQUIRE_STACK, '').trim();
      const kept = frames.filter((line) => !isOurs(line) && !NODE_FRAME.test(line));
      return [cut(title, headLimit), ...kept].join('\n').replace(folder, '');
    },

    // {file, line, column, source_line} of a stack's first frame in the function's own code, or null.
    position(stack) {
      const [head, frames] = parts(stack);
      const header = headerPosition(head);
      if (header) return header;
      const places = frames.map(place).filter(Boolean);
      const best = places.find((found) => found.own) ?? places[0];
      if (!best) return null;
      const { file, line, column } = best;
      return { file, line, column, source_line: readLines(file)[line - 1] ?? null };
    },

    // {file, line} if the nearest caller is the function's own code; null for packages and Node itself.
    caller(stack) {
      const [, frames] = parts(stack);
      const nearest = frames.find((line) => !isOurs(line) && POSITION.test(line));
      const found = nearest && place(nearest);
      return found && found.own ? found : null;
    },
  };
}

module.exports = { headerOf, openStacks };
