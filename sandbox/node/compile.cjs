'use strict';
// Compiles the modules that every run loads, and puts out what realm.cjs takes for them: four bytes of length, one
// script with all of them, V8's code for it.

const { readFileSync, readdirSync, writeSync } = require('node:fs');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');
const { compiledName } = require('./realm.cjs');

// Files of their own: where a process begins, what a thread loads, what only an analysis needs.
const APART = /^(bootstrap|realm|compile|threads|acorn|analyser.*)\.cjs$/;

// The text in plain ASCII: V8 keeps other text in twice the space.
function ascii(text) {
  return text.replace(/[^\n -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function joined(directory) {
  const names = readdirSync(directory).filter((name) => name.endsWith('.cjs') && !APART.test(name));
  const modules = names.map((name) => {
    const body = ascii(readFileSync(`${directory}/${name}`, 'utf8'));
    return `'${name}': function (module, exports, require) {${body}\n},\n`;
  });
  return `({ __proto__: null,\n${modules.join('')}})`;
}

function compile(source) {
  // All functions, also those that are called later. A flag that stays changed makes V8 refuse the code.
  setFlagsFromString('--no-lazy');
  const script = new Script(source, { filename: compiledName(__dirname) });
  setFlagsFromString('--lazy');
  return script.createCachedData();
}

function writeAll(bytes) {
  for (let offset = 0; offset < bytes.length;) offset += writeSync(1, bytes, offset);
}

const source = joined(__dirname);
const length = Buffer.alloc(4);
length.writeUInt32BE(source.length);
writeAll(Buffer.concat([length, Buffer.from(source, 'latin1'), compile(source)]));
