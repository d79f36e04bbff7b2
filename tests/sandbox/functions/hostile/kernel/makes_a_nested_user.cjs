// promise: kernel.namespaces
// attack: only makes a user namespace, by both calls that can
// limits: {"child_processes": true}
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
exports.handler = () => {
  const answers = syscalls([['clone', 0x10000000 | 17, 0, 0, 0, 0]]);
  return verdict(answers.map((answer) => answer >= 0 && 'it made one'));
};
