// Reads the text of a .env file: comments and `export` are dropped, quotes are taken off, "…" may span lines.
const LINE = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*("(?:\\[^]|[^"\\])*"|'[^']*'|`[^`]*`|[^\r\n]*)/gm;
const ESCAPES = { n: "\n", r: "\r", t: "\t" };

// [name, value] of each variable, in order.
export function parseDotenv(text) {
  return [...text.matchAll(LINE)].map(([, name, value]) => [name, unquoted(value)]);
}

function unquoted(value) {
  if (/^".*"$/s.test(value)) return value.slice(1, -1).replace(/\\([^])/g, (_, letter) => ESCAPES[letter] ?? letter);
  if (/^'.*'$/s.test(value) || /^`.*`$/s.test(value)) return value.slice(1, -1);
  return value.replace(/(^|[ \t]+)#.*$/, "").trim();
}
