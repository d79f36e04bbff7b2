// promise: kernel.calls
// attack: makes every system call that the filter names, with arguments of which the kernel would say something else
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
const bad = -1;
// Each call, and in the end what the kernel answers where no filter does.
const CALLS = [
  ['unshare', 0],
  ['setns', bad, 0],
  ['mount', 0, 1, 1, 0, 0],
  ['umount2', '/nowhere', 0x8000],
  ['chroot', '/nowhere'],
  ['open_tree', bad, '/', bad],
  ['fsconfig', bad, 99, 0, 0, 0],
  ['mount_setattr', bad, '/', bad, 0, 0],
  ['ptrace', 0x4206, 999999, 0, 0],
  ['process_vm_readv', bad, 0, 0, 0, 0, 1],
  ['process_vm_writev', bad, 0, 0, 0, 0, 1],
  ['process_madvise', bad, 0, 0, 0, bad],
  ['pidfd_getfd', bad, 0, 0],
  ['kcmp', 999999, 999999, 0, 0, 0],
  ['keyctl', 0, -3, 0],
  ['add_key', 0, 0, 0, 0, 0],
  ['request_key', 0, 0, 0, 0],
  ['bpf', bad, 0, 0],
  ['perf_event_open', 0, 0, bad, bad, bad],
  ['userfaultfd', bad],
  ['memfd_secret', bad],
  ['fanotify_init', bad, 0],
  ['name_to_handle_at', bad, '', 0, 0, bad],
  ['mknod', '/nowhere/x', 0o10666, 0],
  ['mknodat', bad, 'x', 0o10666, 0],
  ['syslog', 99, 0, 0],
  ['kexec_file_load', bad, bad, 0, 0, bad],
  ['quotactl', 0, 0, 0, 0],
  ['quotactl_fd', bad, bad, 0, 0],
  ['clock_settime', 99, 0],
  ['settimeofday', 1, 0],
  ['modify_ldt', 0, 0, 0],
  ['mbind', 0, 4096, 99, 0, 0, 0],
  ['move_pages', 0, 0, 0, 0, 0, bad],
  ['migrate_pages', 999999, 0, 0, 0],
  ['set_mempolicy', 99, 0, 0],
  ['set_mempolicy_home_node', 0, 4096, 9999, bad],
  ['adjtimex', 1],
  ['clock_adjtime', 99, 0],
  ['ioperm', 0x80000, 1, 1],
  ['iopl', 9],
];
exports.handler = () =>
  verdict(syscalls(CALLS).map((answer, index) => answer !== -1 && `${CALLS[index][0]} answered ${answer}`));
