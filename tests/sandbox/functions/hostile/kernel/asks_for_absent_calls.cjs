// promise: kernel.calls
// attack: makes the calls that hide what they do from a filter
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
const CALLS = [
  ['clone3', 0, 0],
  ['io_uring_setup', 4, Buffer.alloc(120)],
  ['io_uring_enter', -1, 0, 0, 0, 0],
  ['io_uring_register', -1, 0, 0, 0],
];
exports.handler = () =>
  verdict(syscalls(CALLS).map((answer, index) => answer !== -38 && `${CALLS[index][0]} answered ${answer}`));
