// promise: scratch.fresh
// attack: leaves a queue and a piece of shared memory of the kernel for the next run
// again: yes
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
const KEY = 0x51ab7e;
exports.handler = () => {
  const found = syscalls([
    ['msgget', KEY, 0],
    ['shmget', KEY, 0, 0],
  ]);
  if (found[0] >= 0) syscalls([['msgctl', found[0], 0, 0]]);
  if (found[1] >= 0) syscalls([['shmctl', found[1], 0, 0]]);
  if (found.every((answer) => answer < 0)) {
    syscalls([
      ['msgget', KEY, 0o1666],
      ['shmget', KEY, 4096, 0o1666],
    ]);
  }
  return verdict(found[0] >= 0 && 'a queue was there', found[1] >= 0 && 'shared memory was there');
};
