// promise: kernel.namespaces
// attack: becomes root in a user namespace of its own, from which much more of the kernel can be reached
// limits: {"child_processes": true}
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
const FLAGS = [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000];
exports.handler = () => {
  const answers = syscalls([
    ...FLAGS.map((flag) => ['clone', flag | 17, 0, 0, 0, 0]),
    ...FLAGS.map((flag) => ['unshare', flag]),
  ]);
  return verdict(answers.map((answer, index) => answer >= 0 && `flag ${FLAGS[index % FLAGS.length].toString(16)}`));
};
