// promise: proc.children
// attack: makes a process with every system call that can
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
exports.handler = () => {
  const calls = [['fork'], ['vfork'], ['clone', 17, 0, 0, 0, 0], ['clone', 0x4111, 0, 0, 0, 0], ['clone3', Buffer.alloc(88), 88]];
  const answers = syscalls(calls);
  return verdict(answers.map((answer, index) => ![-1, -38].includes(answer) && `${calls[index][0]} answered ${answer}`));
};
