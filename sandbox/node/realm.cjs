'use strict';
// Loads our modules out of reach of user code, and those that judge it into a realm that it cannot patch.

const { closeSync, readFileSync } = require('node:fs');
const { Script, compileFunction, createContext } = require('node:vm');

const compiledName = (directory) => `${directory}/compiled.cjs`;

// What compile.cjs made of the modules of `directory`, read from `fd`, which is closed. If V8 does not take
// the code it compiles the script that comes with it.
function readCompiled(directory, fd) {
  const bytes = readFileSync(fd);
  closeSync(fd);
  const end = 4 + bytes.readUInt32BE(0);
  const source = bytes.latin1Slice(4, end);
  return new Script(source, { filename: compiledName(directory), cachedData: bytes.subarray(end) });
}

// A function that loads a module of `directory`, once each; unlike with `require` there is no cache to
// find it in. With `own` the modules get a realm of their own: another Object, Array, JSON and RegExp than
// user code has. What is in `compiled`, if given, need not be compiled.
function openLoader(directory, { own, compiled }) {
  const parsingContext = own ? createContext() : undefined;
  const newModule = compileFunction('return { exports: {} }', [], { parsingContext });
  const ahead = own ? compiled?.runInContext(parsingContext) : compiled?.runInThisContext();
  const loaded = { __proto__: null };

  function bodyOf(name) {
    if (ahead?.[name]) return ahead[name];
    const filename = `${directory}/${name}`;
    const parameters = ['module', 'exports', 'require'];
    return compileFunction(readFileSync(filename, 'utf8'), parameters, { filename, parsingContext });
  }

  function load(name) {
    if (loaded[name]) return loaded[name].exports;
    const body = bodyOf(name);
    const module = newModule();
    loaded[name] = module;
    body(module, module.exports, (wanted) =>
      wanted.startsWith('./') ? load(wanted.slice(2)) : require(wanted),
    );
    return module.exports;
  }
  return load;
}

module.exports = { compiledName, openLoader, readCompiled };
