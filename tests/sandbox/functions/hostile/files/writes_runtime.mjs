// promise: files.readonly
// attack: replaces Node.js, the runner, the C library or a made-up file of /etc for all later runs
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
const libc = fs.readFileSync('/proc/self/maps', 'latin1').match(/\/\S*libc[.-]\S*/)[0];
const PLACES = ['/opt/node/bin/node', '/opt/hexasched/bootstrap.cjs', '/etc/hosts', '/etc/resolv.conf', libc];
const mounts = fs.readFileSync('/proc/self/mountinfo', 'latin1').trim().split('\n').map((line) => line.split(' '));
// Also where only the file's owner keeps us from writing, the mount must.
const readOnly = (path) => {
  const [last] = mounts
    .filter(([, , , , point]) => path === point || path.startsWith(point === '/' ? '/' : `${point}/`))
    .sort((one, other) => other[4].length - one[4].length);
  return last[5].split(',').includes('ro');
};
export default () =>
  verdict(
    PLACES.map((path) => tried(() => fs.closeSync(fs.openSync(path, 'r+'))) === 'done' && `it opened ${path}`),
    PLACES.map((path) => !readOnly(fs.realpathSync(path)) && `the mount of ${path} can be written`),
  );
