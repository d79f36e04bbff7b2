// promise: files.host
// attack: reads disks, memory and the kernel's log as devices
import fs from 'node:fs';
import { names, tried, verdict } from './attack.cjs';
const ORDINARY = /^(console|core|fd|full|null|ptmx|pts|random|shm|stderr|stdin|stdout|tty|urandom|zero)$/;
export default () =>
  verdict(
    names('/dev').map((name) => !ORDINARY.test(name) && `there is /dev/${name}`),
    ['/dev/mem', '/dev/kmsg', '/dev/sda', '/dev/vda', '/proc/kcore', '/proc/kmsg'].map(
      (path) => tried(() => fs.readSync(fs.openSync(path, 'r'), Buffer.alloc(1))) === 1 && `it read ${path}`,
    ),
  );
