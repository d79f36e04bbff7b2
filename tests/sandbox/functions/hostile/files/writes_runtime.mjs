// promise: files.readonly
// attack: replaces Node.js, the runner, the C library or a made-up file of /etc for all later runs
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
const libc = fs.readFileSync('/proc/self/maps', 'latin1').match(/\/\S*libc[.-]\S*/)[0];
const PLACES = ['/opt/node/bin/node', '/opt/hexasched/bootstrap.cjs', '/etc/hosts', '/etc/resolv.conf', libc];
// Also where only the file's owner keeps us from writing, the mount must.
const mounts = fs.readFileSync('/proc/self/mountinfo', 'latin1').trim().split('\n').map((line) => line.split(' '));
const open = mounts.filter(([, , , , point, options]) => !/^\/(proc|dev|tmp)\b/.test(point) && !/^ro\b/.test(options));
export default ({ walls }) =>
  verdict(
    PLACES.map((path) => tried(() => fs.closeSync(fs.openSync(path, 'r+'))) === 'done' && `it opened ${path}`),
    walls === 'bubblewrap' && open.map(([, , , , point]) => `the mount of ${point} can be written`),
  );
