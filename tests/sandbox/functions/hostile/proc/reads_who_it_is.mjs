// promise: proc.identity
// walls: bubblewrap
// attack: learns as whom the service runs and on which machine
import os from 'node:os';
import { read, verdict } from './attack.cjs';
export default ({ uid, gid, hostname }) =>
  verdict(
    process.getuid() === uid && 'it has the uid of the service',
    process.getgid() === gid && 'it has the gid of the service',
    process.getgroups().some((group) => ![1000, 65534].includes(group)) && `it is in the groups ${process.getgroups()}`,
    [os.hostname(), read('/proc/sys/kernel/hostname').trim()].includes(hostname) && 'it knows the name of the machine',
  );
