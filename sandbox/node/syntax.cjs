'use strict';
// Gets the position of a syntax error out of Node, which keeps it back until it prints the error.

const vm = require('node:vm');

const FILENAME = 'hexasched:rethrow';

// `thrown`, whose stack now begins with file, line, source and caret if it is a syntax error that Node
// knows these of.
function withPosition(thrown) {
  try {
    if (!(thrown instanceof SyntaxError) || !thrown.stack.startsWith('SyntaxError')) return thrown;
    const { stack } = thrown;
    rethrow(thrown);
    if (thrown.stack.startsWith(FILENAME)) thrown.stack = stack;
  } catch {
    // A hostile error; it is described without a position.
  }
  return thrown;
}

// A script that throws it again with displayErrors makes Node put what it knows before the stack.
function rethrow(thrown) {
  try {
    new vm.Script('throw thrown', { filename: FILENAME }).runInContext(vm.createContext({ thrown }), {
      displayErrors: true,
    });
  } catch {
    // It is `thrown` itself, as intended.
  }
}

module.exports = { withPosition };
