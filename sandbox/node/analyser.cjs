'use strict';
// Reads a source without running it: mistakes, imports, variables that it reads, the handler it exports.

const { readFileSync } = require('node:fs');
const nodeModule = require('node:module');
const acorn = require('./acorn.cjs');
const { openEnvFinder } = require('./analyser_env.cjs');
const { openHandlerFinder, openImportFinder } = require('./analyser_modules.cjs');
const { ruleFor } = require('./errors.cjs');
const { headerOf } = require('./stack.cjs');
const { bounded } = require('./text.cjs');
const { walk } = require('./walk.cjs');

const MAX_ENTRIES = 500;
const MAX_MESSAGE = 1024;
const MAX_SOURCE_LINE = 300;

const TOO_DEEP = /call stack|stack space/;
const COMMONJS = { sourceType: 'commonjs' };
const ESM = { sourceType: 'module' };

function mistake(file, message, { code = null, line = null, column = null, source_line = null }) {
  const hint = ruleFor({ code, message })?.hint ?? null;
  const shown = source_line && bounded(source_line.trimEnd(), MAX_SOURCE_LINE);
  return { message: bounded(message, MAX_MESSAGE), file, line, column, source_line: shown, hint };
}

// {source} as JavaScript of the same lines and columns, or {error}.
function withoutTypes(source, file) {
  if (!/\.[cm]?ts$/.test(file)) return { source };
  if (!nodeModule.stripTypeScriptTypes) {
    const [major] = process.versions.node.split('.');
    const message = `${file} is TypeScript, which Node.js ${major} does not run.`;
    return { error: mistake(file, message, { code: 'ERR_UNKNOWN_FILE_EXTENSION' }) };
  }
  // Node would print that the function is experimental; nothing else runs in this process.
  process.removeAllListeners('warning');
  try {
    return { source: nodeModule.stripTypeScriptTypes(source, { mode: 'strip' }) };
  } catch (error) {
    return { error: mistake(file, error.message, { code: error.code, ...headerOf(error.stack) }) };
  }
}

function parsed(source, { sourceType }) {
  try {
    return { tree: acorn.parse(source, { ecmaVersion: 'latest', locations: true, sourceType }) };
  } catch (error) {
    return { error };
  }
}

function packageType(root) {
  try {
    return JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).type;
  } catch {
    return undefined;
  }
}

// By the file's ending, else by package.json, else CommonJS unless only a module can be meant: as Node 22
// and newer do by themselves. What is found here becomes package.json's "type", so that older ones read
// the file the same way.
function parse(source, file, type) {
  if (/\.m[jt]s$/.test(file) || (type === 'module' && !/\.c[jt]s$/.test(file)))
    return { kind: 'esm', ...parsed(source, ESM) };
  const commonjs = { kind: 'commonjs', ...parsed(source, COMMONJS) };
  if (!commonjs.error || type === 'commonjs' || /\.c[jt]s$/.test(file)) return commonjs;
  const esm = { kind: 'esm', ...parsed(source, ESM) };
  // Both fail: the reading that got further is the one that was meant.
  return !esm.error || esm.error.pos > commonjs.error.pos ? esm : commonjs;
}

function syntaxMistake(file, source, error) {
  const { line, column } = error.loc;
  const text = error.message.replace(/ \(\d+:\d+\)$/, '');
  const message =
    text === 'Unexpected token' && source[error.pos] ? `Unexpected token '${source[error.pos]}'` : text;
  return mistake(file, message, { line, column: column + 1, source_line: source.split('\n')[line - 1] });
}

// Each entry of `list` once, by `key`.
function unique(list, key) {
  const seen = new Map(list.map((entry) => [key(entry), entry]).reverse());
  return [...seen.values()].reverse().slice(0, MAX_ENTRIES);
}

function examine(tree) {
  const env = openEnvFinder();
  const imports = openImportFinder();
  const exported = openHandlerFinder();
  walk(tree, (at) => {
    env.visit(at);
    imports.visit(at);
    exported.visit(at);
  });
  return {
    imports: unique(imports.found, ({ specifier }) => specifier),
    env: unique(env.found, ({ name, line, optional }) => `${name} ${line} ${optional}`),
    handler: exported.handler(),
  };
}

// {errors, imports, env, handler, module, typescript} of `file` in the folder `root`. Lines and columns
// count from 1. A variable whose name is computed (process.env[name]) is not seen. Throws if the file
// cannot be read.
function analyse(root, file) {
  const original = readFileSync(`${root}/${file}`, 'utf8');
  const nothing = {
    errors: [],
    imports: [],
    env: [],
    handler: null,
    module: 'commonjs',
    typescript: /\.[cm]?ts$/.test(file),
  };
  const { source, error: typeError } = withoutTypes(original, file);
  if (typeError) return { ...nothing, errors: [typeError] };
  const { tree, error, kind } = parse(source, file, packageType(root));
  // Too deep for this parser, which need not be too deep for Node: loading the file will tell.
  if (error && TOO_DEEP.test(error.message)) return { ...nothing, module: kind };
  if (error) return { ...nothing, module: kind, errors: [syntaxMistake(file, original, error)] };
  return { ...nothing, module: kind, ...examine(tree) };
}

module.exports = { analyse };
