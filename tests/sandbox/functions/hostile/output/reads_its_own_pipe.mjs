// promise: output
// attack: opens the pipes that the keeper reads, and reads them itself
// outcome: succeeded/ok | timed_out/time
// limits: {"timeout_s": 2}
import fs from 'node:fs';
import { tried, sleep } from './attack.cjs';
export default async () => {
  const fds = [1, 2, 3].map((fd) => tried(() => fs.openSync(`/proc/self/fd/${fd}`, fs.constants.O_RDWR | fs.constants.O_NONBLOCK)));
  for (let i = 0; i < 20; i += 1) {
    console.log(i);
    for (const fd of fds) tried(() => fs.readSync(fd, Buffer.alloc(100)));
    await sleep(10);
  }
  for (const fd of fds) tried(() => fs.closeSync(fd));
  return 'held';
};
