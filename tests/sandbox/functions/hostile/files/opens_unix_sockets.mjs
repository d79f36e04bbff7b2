// promise: files.host
// attack: connects to the sockets of daemons: Docker, the system's bus, the service's doorbell
import fs from 'node:fs';
import { reach, tried, verdict } from './attack.cjs';
const SOCKETS = ['/var/run/docker.sock', '/run/dbus/system_bus_socket', '/run/systemd/private'];
export default async ({ folders, walls }) => {
  const paths = [...SOCKETS, ...folders.map((folder) => `${folder}/bell`)];
  const answers = await Promise.all(paths.map((path) => reach({ path })));
  return verdict(
    answers.map((answer, index) => !['ENOENT', 'EACCES'].includes(answer) && `${paths[index]}: ${answer}`),
    walls === 'bubblewrap' && tried(() => fs.readFileSync('/proc/net/unix', 'latin1').split('\n').length > 60) === true && 'it sees the sockets of others',
  );
};
