// promise: kernel.sockets
// attack: opens sockets to the hypervisor, to the wire, and of families that nobody has looked at for years
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
const FAMILIES = [...Array(48).keys()].filter((family) => family < 46 && ![1, 2, 10, 16].includes(family));
const HIGH = 2 ** 32;
exports.handler = () => {
  const calls = FAMILIES.flatMap((family) => [
    ['socket', family, 11, 0], // there is no such type: the kernel itself would say EINVAL
    ['socketpair', family, 11, 0, Buffer.alloc(8)],
  ]);
  calls.push(['socket', 40 + HIGH, 1, 0]);
  return verdict(syscalls(calls).map((answer, index) => answer !== -97 && `family ${calls[index][1]} answered ${answer}`));
};
