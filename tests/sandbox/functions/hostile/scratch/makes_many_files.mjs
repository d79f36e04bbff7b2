// promise: scratch.files
// limits: {"timeout_s": 60}
// attack: makes empty files without end: they cost no bytes, but memory of the kernel
// outcome: failed/memory
import fs from 'node:fs';
import { TMP, sleep } from './attack.cjs';
export default async () => {
  for (let i = 0; i < 60000; i += 1) {
    fs.writeFileSync(`${TMP}/${i}`, '');
    if (i % 1000 === 0) await sleep(10);
  }
  await sleep(15000);
  return 'BROKEN: it made 60,000 files';
};
