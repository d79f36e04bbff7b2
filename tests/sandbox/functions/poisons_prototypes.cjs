const poison = {
  json() {
    Object.prototype.toJSON = () => 'FORGED';
    Array.prototype.toJSON = () => 'FORGED';
    String.prototype.toJSON = () => 'FORGED';
    JSON.stringify = () => '{"ok":true}';
    JSON.parse = () => ({});
  },
  text() {
    String.prototype.replace = () => 'FORGED';
    String.prototype.split = () => [];
    RegExp.prototype.exec = () => {
      throw new Error('no regular expressions');
    };
  },
  lists() {
    Array.prototype[Symbol.iterator] = null;
    Array.prototype.map = null;
    Array.prototype.join = () => 'FORGED';
    Map.prototype.get = null;
    Set.prototype.has = null;
    Object.defineProperty(Array.prototype, '0', {
      configurable: true,
      set() {
        throw new Error('no elements');
      },
    });
  },
  objects() {
    Object.defineProperty(Object.prototype, 'hint', { value: 'FORGED' });
    Object.defineProperty(Object.prototype, 'reason', { value: 'FORGED' });
    Object.keys = () => [];
    Object.entries = () => [];
  },
  functions() {
    Function.prototype.call = null;
    Function.prototype.bind = null;
    Promise.prototype.then = () => {
      throw new Error('no promises');
    };
    globalThis.Reflect = null;
    globalThis.setTimeout = null;
    Buffer.from = null;
    process.exit = null;
    process.reallyExit = null;
  },
  files() {
    const fs = require('node:fs');
    fs.writeSync = fs.readFileSync = fs.openSync = () => {
      throw new Error('no files');
    };
  },
};

exports.handler = async (event) => {
  poison[event.kind]();
  if (event.fail) throw new Error('the real error');
  return 7;
};
