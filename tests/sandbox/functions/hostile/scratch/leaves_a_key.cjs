// promise: scratch.fresh
// attack: keeps a note in the kernel's key store, which outlives a process
// again: yes
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
exports.handler = () => {
  const [found] = syscalls([['keyctl', 10, -4, 'user', 'hexasched-note', 0]]); // search the user's keys
  if (found > 0) syscalls([['keyctl', 21, found]]);
  const [added] = syscalls([['add_key', 'user', 'hexasched-note', 'x', 1, -4]]);
  return verdict(found > 0 && 'a note was there', added > 0 && 'it kept a note');
};
