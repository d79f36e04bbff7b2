// promise: fds
// attack: looks for ends of pipes that belong to the service: what the keeper reads, what bubblewrap waits for
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
export default () => {
  const kinds = [];
  for (let fd = 4; fd < 256; fd += 1) {
    const kind = String(tried(() => fs.readlinkSync(`/proc/self/fd/${fd}`)));
    if (/^pipe|^socket|memfd|sandbox/.test(kind)) kinds.push(fd);
  }
  // Node.js has pipes and sockets of its own; whoever can write where bubblewrap waits has another number.
  const own = kinds.filter((fd) => fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1').match(/flags:\s*0?2\d{6}/));
  return verdict(kinds.filter((fd) => !own.includes(fd)).map((fd) => `${fd} was handed in`));
};
