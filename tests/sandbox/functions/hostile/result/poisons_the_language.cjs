// promise: result
// attack: replaces what its runner needs, so that a failure is told as a success
// outcome: failed/error | failed/exit
exports.handler = () => {
  Object.prototype.toJSON = () => ({ ok: true, reason: 'ok', result: '"BROKEN: forged"' });
  JSON.stringify = () => '"BROKEN: forged"';
  Promise.prototype.then = () => 'BROKEN: forged';
  Array.prototype.map = String.prototype.replace = () => 'BROKEN: forged';
  process.exit = process.reallyExit = () => {};
  process.removeAllListeners();
  throw new Error('the real end');
};
