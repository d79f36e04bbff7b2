// promise: files.readonly
// attack: sets the kernel's switches: a core handler, a hostname, a crash, the time slack of others
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
const SWITCHES = {
  '/proc/sys/kernel/core_pattern': '|/tmp/x',
  '/proc/sys/kernel/hostname': 'mine',
  '/proc/sys/kernel/yama/ptrace_scope': '0',
  '/proc/sys/vm/overcommit_memory': '1',
  '/proc/sys/net/ipv4/ip_forward': '1',
  '/proc/sys/user/max_user_namespaces': '1000',
  '/proc/sysrq-trigger': 'h',
  '/proc/self/uid_map': '0 0 1',
  '/proc/self/setgroups': 'allow',
};
export default () =>
  verdict(Object.entries(SWITCHES).map(([path, value]) => tried(() => fs.writeFileSync(path, value)) === 'done' && path));
