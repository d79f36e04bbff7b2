// promise: kernel.namespaces
// attack: asks clone for each kind of namespace with flags that contradict each other, to hear who refuses
// limits: {"child_processes": true}
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
const FLAGS = [0x80, 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000];
exports.handler = () => {
  // CLONE_SIGHAND without CLONE_VM: the kernel itself would say EINVAL.
  const answers = syscalls(FLAGS.map((flag) => ['clone', flag | 0x800, 0, 0, 0, 0]));
  return verdict(answers.map((answer, index) => answer !== -1 && `${FLAGS[index].toString(16)} answered ${answer}`));
};
