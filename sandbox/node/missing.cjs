'use strict';
// Says which package or file an import did not find, and on which line it is imported.

const CODES = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);
const WHAT = /Cannot find (?:package|module) '([^']+)'(?: imported from (\S[^\n]*))?/;
const REQUIRED_BY = /Require stack:\n- ([^\n]+)/;

const ENDINGS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.json'];

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// "@scope/name" of "@scope/name/sub/path"; null for a path.
function packageName(specifier) {
  const found = /^(?:@[^/]+\/)?[^./@#][^/]*/.exec(specifier);
  return found && !specifier.includes(':') ? found[0] : null;
}

// Where `file` imports something that ends in `tail`; without a line when that cannot be told.
function importingPlace(file, tail, readLines) {
  const pattern = new RegExp(
    `(?:import|require|from)\\b.*?(['"\`])[^'"\`]*${escaped(tail)}(?:/[^'"\`]*)?\\1`,
  );
  const lines = readLines(file);
  const index = lines.findIndex((line) => pattern.test(line));
  if (index < 0) return { file, line: null, column: null, source_line: null };
  const column = lines[index].search(/['"`]/) + 1;
  return { file, line: index + 1, column, source_line: lines[index] };
}

// {message, hint, place} for an error of Node's module loader, or null for any other.
function missingModule(link, stacks) {
  const found = CODES.has(link.code) && WHAT.exec(link.message);
  if (!found) return null;
  const importer = stacks.relative((found[2] ?? REQUIRED_BY.exec(link.message)?.[1] ?? '').trim());
  const wanted = stacks.relative(found[1]) ?? found[1];
  const tail = wanted.split('/').at(-1);
  const name = packageName(found[1]);
  const place = importer && importingPlace(importer, name ?? tail, stacks.readLines);
  if (!name) {
    const ending = ENDINGS.find((one) => stacks.readLines(`${wanted}${one}`).length > 0);
    const hint = ending
      ? `Write the ending: ${wanted}${ending}. In an ES module a file is imported with it.`
      : 'A function is one file: put the code in it, or in a package. A file is imported with its ending (./util.mjs), a package by its name alone.';
    return { message: `The file ${wanted} does not exist.`, hint, place };
  }
  const inPackage = importer?.startsWith('node_modules/');
  const hint = inPackage
    ? `The package that imports it does not list it. Add ${name} to the function's packages and deploy again.`
    : `Add ${name} to the function's packages and deploy again.`;
  return { message: `The package “${name}” is not installed.`, hint, place };
}

module.exports = { missingModule, packageName };
