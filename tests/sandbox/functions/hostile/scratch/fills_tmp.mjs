// promise: scratch.bytes
// attack: fills its scratch space, and then the disk
// limits: {"scratch_mb": 8}
// outcome: succeeded/ok | failed/memory
import fs from 'node:fs';
import { TMP, sleep, tried, verdict } from './attack.cjs';
export default async () => {
  const piece = Buffer.alloc(1 << 20, 1);
  for (let i = 0; i < 64; i += 1) {
    if (tried(() => fs.writeFileSync(`${TMP}/${i}`, piece)) !== 'done') return 'held';
    await sleep(10);
  }
  return verdict('it wrote 64 MB');
};
