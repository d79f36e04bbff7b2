import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
export default () => {
  spawnSync('/bin/echo', ['from a child'], { stdio: 'inherit' });
  const script = 'ls /proc/self/fd';
  const inherited = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).stdout.trim().split('\n');
  const own = readdirSync('/proc/self/fd').map((fd) => [fd, safeLink(fd)]);
  return { inherited, pipes: own.filter(([, target]) => target.startsWith('pipe:')).map(([fd]) => Number(fd)) };
};
function safeLink(fd) {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
