// Makes system calls from plain JavaScript: writes a tiny shared library for x86_64 Linux (ELF-64) and has it loaded.
// process.dlopen runs the library's DT_INIT before Node.js notices that it is no addon.
const fs = require('node:fs');
const os = require('node:os');

const NUMBERS = {
  read: 0, write: 1, close: 3, mmap: 9, ioctl: 16, madvise: 28, shmget: 29, shmat: 30, shmctl: 31, socket: 41, connect: 42,
  sendto: 44, recvfrom: 45, socketpair: 53, clone: 56, fork: 57, vfork: 58, kill: 62, shmdt: 67, msgget: 68, msgctl: 71, ptrace: 101,
  setuid: 105, syslog: 103, personality: 135, prctl: 157, setrlimit: 160, sync: 162, chroot: 161, acct: 163,
  settimeofday: 164, mount: 165, umount2: 166, pivot_root: 155, swapon: 167, swapoff: 168, reboot: 169,
  sethostname: 170, setdomainname: 171, iopl: 172, ioperm: 173, init_module: 175, delete_module: 176, quotactl: 179,
  vhangup: 153, modify_ldt: 154, adjtimex: 159, _sysctl: 156, uselib: 134, nfsservctl: 180, lookup_dcookie: 212,
  clock_settime: 227, mbind: 237, set_mempolicy: 238, kexec_load: 246, add_key: 248, request_key: 249, keyctl: 250,
  migrate_pages: 256, mknod: 133, mknodat: 259, unshare: 272, move_pages: 279, perf_event_open: 298,
  fanotify_init: 300, name_to_handle_at: 303, open_by_handle_at: 304, clock_adjtime: 305, setns: 308,
  process_vm_readv: 310, process_vm_writev: 311, kcmp: 312, finit_module: 313, memfd_create: 319,
  kexec_file_load: 320, bpf: 321, userfaultfd: 323, pidfd_send_signal: 424, io_uring_setup: 425,
  io_uring_enter: 426, io_uring_register: 427, open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431,
  fsmount: 432, fspick: 433, pidfd_open: 434, clone3: 435, pidfd_getfd: 438, process_madvise: 440,
  mount_setattr: 442, quotactl_fd: 443, memfd_secret: 447, set_mempolicy_home_node: 450,
}; // prettier-ignore

const BASE = 0x200; // where the code starts: behind the ELF header, three program headers and the dynamic section
const MOVE = [[0x48, 0xbf], [0x48, 0xbe], [0x48, 0xba], [0x49, 0xba], [0x49, 0xb8], [0x49, 0xb9]]; // rdi rsi rdx r10 r8 r9
const ADDRESS = [[0x48, 0x8d, 0x3d], [0x48, 0x8d, 0x35], [0x48, 0x8d, 0x15], [0x4c, 0x8d, 0x15], [0x4c, 0x8d, 0x05], [0x4c, 0x8d, 0x0d]];
const LOAD = [[0x48, 0x8b, 0xbb], [0x48, 0x8b, 0xb3], [0x48, 0x8b, 0x93], [0x4c, 0x8b, 0x93], [0x4c, 0x8b, 0x83], [0x4c, 0x8b, 0x8b]];
const SYSCALL = [0x0f, 0x05];

function u64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return [...bytes];
}

function i32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return [...bytes];
}

// The machine code; `addressOf(data)` is where data lies, and the answers lie at `answers`.
function assemble(calls, fd, answers, size, addressOf) {
  const code = [0x53, 0x48, 0x8d, 0x1d]; // push rbx; lea rbx, [rip + answers]
  code.push(...i32(answers - (BASE + code.length + 4)));
  const argument = (value, index) => {
    if (typeof value === 'number' || typeof value === 'bigint') code.push(...MOVE[index], ...u64(value));
    else if (value.answer !== undefined) code.push(...LOAD[index], ...i32(8 * value.answer));
    else code.push(...ADDRESS[index], ...i32(addressOf(value) - (BASE + code.length + 7)));
  };
  const call = (number, values) => {
    values.forEach(argument);
    code.push(0x48, 0xb8, ...u64(number), ...SYSCALL); // mov rax, number
  };
  calls.forEach(([name, ...values], index) => {
    call(NUMBERS[name] ?? name, values);
    code.push(0x48, 0x89, 0x83, ...i32(8 * index)); // mov [rbx + 8 * index], rax
    if (['fork', 'vfork', 'clone', 'clone3'].includes(name)) {
      // test rax, rax; jnz +14: a child ends at once: mov eax, 231 (exit_group); xor edi, edi; syscall
      code.push(0x48, 0x85, 0xc0, 0x75, 0x09, 0xb8, 0xe7, 0, 0, 0, 0x31, 0xff, ...SYSCALL);
    }
  });
  code.push(0x48, 0x89, 0xde); // mov rsi, rbx
  code.push(...MOVE[0], ...u64(fd), ...MOVE[2], ...u64(size), 0xb8, 1, 0, 0, 0, ...SYSCALL, 0x5b, 0xc3);
  return Buffer.from(code);
}

function library(calls, fd) {
  const data = [...new Set(calls.flat().filter((one) => typeof one === 'string' || Buffer.isBuffer(one)))];
  const names = new Set(calls.map(([name]) => name));
  const given = data.filter((one) => !names.has(one));
  const bytes = given.map((one) => (Buffer.isBuffer(one) ? one : Buffer.from(`${one}\0`)));
  const offsets = new Map();
  let size = 8 * calls.length;
  given.forEach((one, index) => {
    offsets.set(one, size);
    size += (bytes[index].length + 7) & ~7;
  });
  const length = assemble(calls, fd, 0, 0, () => 0).length;
  const answers = (BASE + length + 15) & ~15;
  const file = Buffer.alloc(answers + size);
  assemble(calls, fd, answers, size, (one) => answers + offsets.get(one)).copy(file, BASE);
  given.forEach((one, index) => bytes[index].copy(file, answers + offsets.get(one)));
  headers(file);
  return { file, size, offsets };
}

function headers(file) {
  const dynamic = 0xf0;
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(file);
  const put = (offset, ...values) => values.forEach((value, index) => file.writeBigUInt64LE(BigInt(value), offset + 8 * index));
  file.writeUInt32LE(0x003e0003, 16); // a shared object for x86_64
  file.writeUInt32LE(1, 20);
  put(32, 64); // program headers
  file.writeUInt32LE((56 << 16) | 64, 52);
  file.writeUInt16LE(3, 56);
  const header = (index, type, flags, offset, size) => {
    const at = 64 + 56 * index;
    file.writeUInt32LE(type, at);
    file.writeUInt32LE(flags, at + 4);
    put(at + 8, offset, offset, offset, size, size, 4096);
  };
  header(0, 1, 7, 0, file.length); // PT_LOAD
  header(1, 2, 6, dynamic, 96); // PT_DYNAMIC
  header(2, 0x6474e551, 6, 0, 0); // PT_GNU_STACK
  const empty = BASE - 24;
  // DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_INIT, DT_NULL
  [[5, empty], [6, empty], [10, 1], [11, 24], [12, BASE], [0, 0]].forEach(([tag, value], index) => put(dynamic + 16 * index, tag, value));
}

let count = 0;

// Makes calls, each [name or number, ...arguments]: numbers, strings and Buffers (their address is passed), or
// {answer: index} of an earlier call. Returns their answers (errors are below zero); Buffers hold what the kernel wrote.
// At most six arguments.
exports.syscalls = (calls) => {
  const path = `${os.tmpdir()}/lib${process.pid}-${(count += 1)}`;
  const fd = fs.openSync(`${path}.out`, 'w+');
  const { file, size, offsets } = library(calls, fd);
  fs.writeFileSync(`${path}.so`, file);
  try {
    process.dlopen({ exports: {} }, `${path}.so`);
  } catch {
    // It is no addon, which is found out too late.
  }
  const answers = Buffer.alloc(size);
  const got = fs.readSync(fd, answers, 0, size, 0);
  fs.closeSync(fd);
  fs.rmSync(`${path}.so`);
  fs.rmSync(`${path}.out`);
  if (got !== size) throw new Error('the library did not run');
  for (const [one, offset] of offsets) if (Buffer.isBuffer(one)) answers.copy(one, 0, offset, offset + one.length);
  return calls.map((call, index) => Number(answers.readBigInt64LE(8 * index)));
};
