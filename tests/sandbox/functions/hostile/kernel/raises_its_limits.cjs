// promise: kernel.limits
// attack: asks the kernel for more of everything than it was given
const { syscalls } = require('./syscalls.cjs');
const { read, verdict } = require('./attack.cjs');
const RESOURCES = { CPU: 0, FSIZE: 1, DATA: 2, CORE: 4, NPROC: 6, NOFILE: 7 };
const MOST = { CPU: 1e6, FSIZE: 1e12, DATA: 1e12, CORE: 1e9, NPROC: 1e4, NOFILE: 1025 };
exports.handler = () => {
  const calls = Object.entries(RESOURCES).map(([name, number]) => {
    const limit = Buffer.alloc(16);
    limit.writeBigUInt64LE(BigInt(MOST[name]));
    limit.writeBigUInt64LE(BigInt(MOST[name]), 8);
    return ['setrlimit', number, limit];
  });
  const names = Object.keys(RESOURCES);
  const unlimited = read('/proc/self/limits').match(/^Max (cpu time|data size|file size|processes)\s+unlimited/gm) ?? [];
  return verdict(syscalls(calls).map((answer, index) => answer === 0 && `it raised ${names[index]}`), unlimited);
};
