'use strict';
// Loads our modules out of reach of user code, and those that judge it into a realm that it cannot patch.

const { readFileSync } = require('node:fs');
const { compileFunction, createContext } = require('node:vm');

// A function that loads a module of `directory`, once each; unlike with `require` there is no cache to
// find it in. With `own` the modules get a realm of their own: another Object, Array, JSON and RegExp than
// user code has.
function openLoader(directory, { own }) {
  const parsingContext = own ? createContext() : undefined;
  const newModule = compileFunction('return { exports: {} }', [], { parsingContext });
  const loaded = { __proto__: null };

  function load(name) {
    if (loaded[name]) return loaded[name].exports;
    const filename = `${directory}/${name}`;
    const parameters = ['module', 'exports', 'require'];
    const body = compileFunction(readFileSync(filename, 'utf8'), parameters, { filename, parsingContext });
    const module = newModule();
    loaded[name] = module;
    body(module, module.exports, (wanted) =>
      wanted.startsWith('./') ? load(wanted.slice(2)) : require(wanted),
    );
    return module.exports;
  }
  return load;
}

module.exports = { openLoader };
