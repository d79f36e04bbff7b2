// promise: scratch.files
// limits: {"timeout_s": 60}
// attack: the same with folders in folders and links
// outcome: failed/memory
import fs from 'node:fs';
import { TMP, sleep } from './attack.cjs';
export default async () => {
  for (let i = 0; i < 20000; i += 1) {
    fs.mkdirSync(`${TMP}/${i}`);
    fs.symlinkSync('x', `${TMP}/${i}/link`);
    if (i % 1000 === 0) await sleep(10);
  }
  await sleep(15000);
  return 'BROKEN: it made 40,000 folders and links';
};
