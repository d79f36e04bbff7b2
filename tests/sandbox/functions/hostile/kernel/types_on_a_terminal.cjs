// promise: kernel.calls
// attack: types a command on a terminal, for the shell that reads it
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
exports.handler = () => {
  const answers = syscalls([
    ['ioctl', 0, 0x5412, 'x'],
    ['ioctl', 0, 0x541c, 'x'],
    ['ioctl', 0, 0x5412 + 2 ** 32, 'x'],
  ]);
  return verdict(answers.map((answer) => answer !== -1 && `it answered ${answer}`));
};
