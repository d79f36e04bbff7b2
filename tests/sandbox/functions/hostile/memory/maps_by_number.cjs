// promise: memory
// attack: maps memory by system calls, beside all that Node.js counts, and writes to every page
// limits: {"memory_mb": 128}
// outcome: failed/memory
const { syscalls } = require('./syscalls.cjs');
exports.handler = async () => {
  const fill = 0x8000; // MAP_POPULATE
  for (let i = 0; i < 64; i += 1) {
    syscalls([['mmap', 0, 1 << 24, 3, 0x21 | fill, -1, 0]]); // shared and anonymous: no limit of data counts it
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return 'BROKEN: it had a gigabyte';
};
