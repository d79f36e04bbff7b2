// promise: scratch.files
// limits: {"timeout_s": 60}
// attack: makes empty files where memory is shared instead of in the scratch space
// outcome: failed/memory | failed/denied
import fs from 'node:fs';
import { sleep } from './attack.cjs';
export default async () => {
  for (let i = 0; i < 60000; i += 1) {
    fs.writeFileSync(`/dev/shm/${i}`, '');
    if (i % 1000 === 0) await sleep(10);
  }
  await sleep(15000);
  return 'BROKEN: it made 60,000 files';
};
