'use strict';
// Hints for failures of the code itself and for what the sandbox refuses.

const NO_PACKAGE_TYPE =
  'This file is loaded as CommonJS. Name it index.mjs to use import and export, or use require and exports.handler.';
const COMMONJS_WORDS =
  'This file is an ES module, where require, module, exports and __dirname do not exist. Use import and export, or name the file index.cjs.';
// The names are those of the fields in the dashboard.
const limit = (name, setting) =>
  `raise “${name}” in the function’s limits (how far: ${setting} in the service’s configuration).`;
const NO_MORE_PROCESSES = `The function has as many processes and threads as it may. End some, start fewer at a time, or ${limit('Processes and threads', 'limits.max_processes')}`;
const LOWER_MEMORY = `Work on less data at a time, or ${limit('Memory in MB', 'limits.max_memory_mb')}`;

// A rule holds when the error's code is one of `codes` (if given) and `match` finds its message (if given).
// `reason`: that the run then ends with, instead of "error".
const INSIDE = [
  // Modules and syntax
  {
    codes: ['ERR_PACKAGE_PATH_NOT_EXPORTED'],
    hint: 'The package does not offer that path. Import what its documentation names.',
  },
  { codes: ['ERR_UNSUPPORTED_DIR_IMPORT'], hint: 'An import names a file, not a folder: add /index.js.' },
  {
    codes: ['ERR_REQUIRE_ASYNC_MODULE'],
    hint: 'What is required here waits at its top level, which require cannot. Use `await import("…")`, or name the file index.mjs and use import.',
  },
  {
    codes: ['ERR_UNKNOWN_BUILTIN_MODULE'],
    hint: 'Node.js has no module of that name. A package is imported without node: and stands in the function’s packages.',
  },
  {
    codes: ['ERR_REQUIRE_ESM'],
    hint: 'The package is an ES module, which require cannot load here. Use `await import("…")`, or name the file index.mjs and use import.',
  },
  {
    codes: ['ERR_UNSUPPORTED_ESM_URL_SCHEME'],
    hint: 'Node.js imports files and packages, not addresses. Add the package to the function’s packages and import it by its name.',
  },
  {
    codes: ['ERR_IMPORT_ATTRIBUTE_MISSING', 'ERR_IMPORT_ASSERTION_TYPE_MISSING'],
    hint: 'To import JSON, write: import data from "./data.json" with { type: "json" };',
  },
  {
    codes: ['ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'],
    match: /enum/,
    hint: '`enum` needs compiling, and Node.js only strips types. Use a union of strings, or an object with `as const`.',
  },
  {
    codes: ['ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'],
    hint: 'Node.js only strips types; it does not compile enums, namespaces and parameter properties. Write that part as plain JavaScript with types.',
  },
  {
    codes: ['ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING'],
    hint: 'The package ships TypeScript sources, which Node.js does not run. Use a package that ships JavaScript.',
  },
  {
    codes: ['ERR_UNKNOWN_FILE_EXTENSION'],
    match: /\.[cm]?tsx?\b/,
    hint: 'This Node.js does not run TypeScript. Choose the Node.js 24 runtime, or write JavaScript in index.mjs.',
  },
  {
    codes: ['ERR_DLOPEN_FAILED'],
    hint: 'The package has a part in machine code that does not fit this machine or Node.js. Look for a package in plain JavaScript.',
  },
  {
    match:
      /^Cannot use import statement outside a module|^Unexpected token 'export'|^Cannot use 'import\.meta' outside|^'import' and 'export' may appear only/,
    hint: NO_PACKAGE_TYPE,
  },
  { match: /^(?:require|module|exports|__dirname|__filename) is not defined/, hint: COMMONJS_WORDS },
  {
    match: /does not provide an export named '([^']+)'/,
    hint: (link, found) =>
      `The module has no export called ${found[1]}. Check the name; if it is the default export, import it without braces.`,
  },
  {
    match: /^Unexpected token '<'$/,
    hint: 'JSX is not supported: Node.js runs JavaScript and TypeScript without compiling.',
  },
  {
    match: /^await is only valid|^Unexpected reserved word/,
    hint: 'Write async before the function that uses await.',
  },
  {
    match: /^Unexpected end of input|^missing \) after argument list|^Invalid or unexpected token/,
    hint: 'A bracket or a quote is opened and not closed, or the other way round: here or in the lines above.',
  },
  {
    match: /^Identifier '([^']+)' has already been declared/,
    hint: (link, found) => `Two things are called ${found[1]}. Rename one, or leave out the second const or let.`,
  },
  {
    match: /^Invalid regular expression/,
    hint: 'Characters such as ( [ * + ? . have a meaning in a regular expression: put \\ before them to find them.',
  },
  // Files, processes and limits of the sandbox
  {
    codes: ['EROFS'],
    reason: 'denied',
    hint: 'The function’s folder is read-only. Write to os.tmpdir(), which is empty at each start and gone at the end.',
  },
  {
    codes: ['EFBIG'],
    hint: `A file can be as large as the scratch space and no larger. Write smaller ones, or ${limit('Scratch space in MB', 'limits.max_scratch_mb')}`,
  },
  {
    codes: ['ENOSPC', 'EDQUOT'],
    hint: `The scratch space in os.tmpdir() is full. Delete what is no longer needed, or ${limit('Scratch space in MB', 'limits.max_scratch_mb')}`,
  },
  {
    codes: ['EPERM', 'EACCES'],
    match: /^(?:spawn|fork)/,
    reason: 'denied',
    hint: 'The sandbox does not let this function start other programs. Switch on “It may start child processes” in the function’s limits if it needs them.',
  },
  {
    codes: ['EAGAIN'],
    match: /^(?:spawn|fork)/,
    hint: NO_MORE_PROCESSES,
  },
  { codes: ['ERR_WORKER_INIT_FAILED'], hint: NO_MORE_PROCESSES },
  { codes: ['ERR_ACCESS_DENIED'], reason: 'denied', hint: 'The sandbox does not allow this.' },
  {
    codes: ['ENOENT'],
    match: /^spawn/,
    hint: (link) =>
      `There is no program ${link.path ?? 'of that name'} in the sandbox. Use a package from npm instead.`,
  },
  {
    codes: ['ENOENT'],
    hint: (link) =>
      `There is no file ${link.path ?? 'of that name'}. A function has its own source and its packages, nothing else, and files of earlier runs are gone: os.tmpdir() is empty at each start.`,
  },
  { codes: ['EISDIR'], hint: 'That is a folder, where a file is needed. Name a file in it.' },
  {
    codes: ['ERR_SQLITE_ERROR'],
    match: /unable to open database file|readonly database/,
    hint: 'The function’s folder is read-only. Use a file in os.tmpdir(), or ":memory:"; both are gone after the run.',
  },
  {
    codes: ['EACCES', 'EPERM'],
    match: /listen|bind/,
    hint: 'Ports below 1024 cannot be listened on. Use a higher one, or 0 for a free one.',
  },
  {
    codes: ['EACCES', 'EPERM'],
    match: /^E(?:ACCES|PERM):/,
    reason: 'denied',
    hint: 'The sandbox does not allow this. Files can be written in os.tmpdir() only.',
  },
  {
    codes: ['EMFILE', 'ENFILE'],
    hint: `Too many files and connections are open at once. Close them when done, work on fewer at a time, or ${limit('Open files', 'limits.max_open_files')}`,
  },
  {
    codes: ['ENOMEM', 'ERR_MEMORY_ALLOCATION_FAILED', 'ERR_WORKER_OUT_OF_MEMORY'],
    reason: 'memory',
    hint: LOWER_MEMORY,
  },
  {
    match: /Array buffer allocation failed|heap out of memory|could not allocate memory/i,
    reason: 'memory',
    hint: LOWER_MEMORY,
  },
  {
    match: /^Invalid (?:string|array|typed array) length/,
    hint: 'Node.js cannot make a text or an array of that length. Work on the data in parts, and check how the length is computed.',
  },
  // The handler
  {
    match: /^Maximum call stack size exceeded/,
    hint: 'A function calls itself without end. Look at the lines that repeat in the stack.',
  },
  {
    match: /^Class constructor \S+ cannot be invoked without 'new'/,
    hint: 'The file exports a class. Export a function: export default async (event, context) => { … }',
  },
  {
    match: /^(?:callback|cb|done) is not a function|^context\.(?:succeed|fail|done) is not a function/,
    hint: 'There is no callback: make the handler async, return its result, and throw an Error when it fails.',
  },
  {
    codes: ['ABORT_ERR', '20'],
    hint: 'It was cancelled: through context.signal, which fires at the time limit and when a person stops the run, or by the code itself.',
  },
  {
    codes: ['23'],
    match: /timeout/i,
    hint: 'It took longer than the code allows it. Raise that time, or let the CronJob retry.',
  },
  {
    codes: ['ERR_UNHANDLED_ERROR'],
    hint: 'An "error" event had no listener. Add one: emitter.on("error", …).',
  },
  {
    match: /which is not an Error\.$/,
    hint: 'Throw new Error("…") instead: it remembers the line where it happened.',
  },
  // Values
  {
    match: /\bdefault is not a function/,
    hint: 'There is no default here. If the package is CommonJS, call what you imported itself; else see what console.log(Object.keys(…)) of it shows.',
  },
  {
    match: /^(\S+) is not a function/,
    hint: (link, found) =>
      `${found[1]} is something else, or does not exist. Check the spelling; for something imported, whether it is the default export (no braces) or a named one (braces).`,
  },
  {
    match: /^Cannot (?:read|set) properties of (undefined|null) \((?:reading|setting) '([^']*)'\)/,
    hint: (link, found) =>
      `What stands before .${found[2]} is ${found[1]}. If it comes from the event, what you typed is in event.payload; if it may be missing, write ?. in place of the dot.`,
  },
  {
    match: /^(\S+) is not defined/,
    hint: (link, found) => `Nothing is called ${found[1]} here. Check the spelling, or import it.`,
  },
  {
    match: /is not iterable/,
    hint: 'Only arrays, strings, Maps, Sets and the like can be gone through. For an object use Object.entries(…); if it is undefined, see where it comes from.',
  },
  {
    match: /^Assignment to constant variable/,
    hint: 'A const keeps its value. Declare it with let to change it.',
  },
  {
    match: /^Cannot mix BigInt and other types/,
    hint: 'Make both the same: Number(…) for the BigInt, or BigInt(…) for the other.',
  },
  {
    match: /^Invalid time value/,
    hint: 'The Date is not valid: the text or number it was made of is no date. Print that.',
  },
  {
    match: /^Invalid time zone specified/,
    hint: 'A time zone is written as in Europe/Berlin or UTC.',
  },
];

module.exports = { INSIDE };
