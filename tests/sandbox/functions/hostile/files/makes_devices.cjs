// promise: files.host
// attack: makes a device file for the first disk in its scratch space and reads it
const { syscalls } = require('./syscalls.cjs');
const { TMP, verdict } = require('./attack.cjs');
exports.handler = () => {
  const [disk, zero] = syscalls([
    ['mknodat', -100, `${TMP}/disk`, 0o60666, 0xfe00],
    ['mknod', `${TMP}/zero`, 0o20666, 0x105],
  ]);
  return verdict(disk === 0 && 'a disk', zero === 0 && 'a device');
};
