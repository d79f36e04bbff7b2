// promise: others.runs
// attack: opens the kernel's queue of a run that goes on beside it
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
exports.handler = () => verdict(syscalls([['msgget', 0x4e8, 0]])[0] >= 0 && 'it has the queue');
