'use strict';
// Loads the function's file and finds the function to call in what it exports.

const ESM = 'export default async (event, context) => { … }';
const COMMONJS = 'exports.handler = async (event, context) => { … }';

// There is nothing to call; the message says what to write.
class NoHandler extends Error {}

function sample(file) {
  if (/\.m[jt]s$/.test(file)) return `Write: ${ESM}`;
  if (/\.c[jt]s$/.test(file)) return `Write: ${COMMONJS}`;
  return `Write: ${ESM}, or in CommonJS: ${COMMONJS}`;
}

// "function", "class", "string", …
function kindOf(value) {
  if (typeof value !== 'function') return typeof value;
  return Function.prototype.toString.call(value).startsWith('class') ? 'class' : 'function';
}

const isHolder = (value) => value !== null && typeof value === 'object';

// The places where the function may be, in order: [object, property].
function candidates(exported) {
  const inner = exported.default;
  const places = [
    [exported, 'handler'],
    [exported, 'default'],
  ];
  if (isHolder(inner)) places.push([inner, 'handler'], [inner, 'default'], [inner, 'scheduled']);
  places.push([exported, 'scheduled']);
  return places;
}

// The handler among a module's exports, called as a method of what holds it. Throws NoHandler.
function findHandler(exported, file) {
  const places = candidates(exported);
  const found = places.find(([owner, name]) => kindOf(owner[name]) === 'function');
  if (found) {
    const [owner, name] = found;
    const handler = owner[name];
    return (event, context) => Reflect.apply(handler, owner, [event, context]);
  }
  const wrong = places.find(([owner, name]) => owner[name] !== undefined && !isHolder(owner[name]));
  const message = wrong
    ? `${file} exports ${wrong[1]}, but it is a ${kindOf(wrong[0][wrong[1]])}, not a function.`
    : `${file} exports no function to call.`;
  throw new NoHandler(`${message} ${sample(file)}`);
}

// Resolves to the handler of `file`, which `importFile()` imports; rejects with whatever the file throws,
// or NoHandler.
async function loadHandler(file, importFile) {
  if (/\.[cm]?ts$/.test(file) && !process.features.typescript) {
    const [major] = process.versions.node.split('.');
    const cure = 'Choose the Node.js 24 runtime, or write JavaScript in index.mjs.';
    throw new NoHandler(`${file} is TypeScript, which Node.js ${major} does not run. ${cure}`);
  }
  return findHandler(await importFile(), file);
}

module.exports = { loadHandler, NoHandler };
