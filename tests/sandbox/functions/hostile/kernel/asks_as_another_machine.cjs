// promise: kernel.calls
// attack: makes a call by its number on another architecture, which a filter by numbers would not know
// outcome: failed/denied
const { syscalls } = require('./syscalls.cjs');
exports.handler = () => {
  const [answer] = syscalls([[0x40000000 | 39]]); // getpid of x32
  return `BROKEN: it answered ${answer}`;
};
