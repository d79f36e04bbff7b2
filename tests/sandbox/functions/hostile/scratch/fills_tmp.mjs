// promise: scratch.bytes
// attack: fills its scratch space, and then the disk
// limits: {"scratch_mb": 8}
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
export default () => {
  const piece = Buffer.alloc(1 << 20, 1);
  for (let i = 0; i < 24; i += 1) if (tried(() => fs.writeFileSync(`/tmp/${i}`, piece)) === 'ENOSPC') return 'held';
  return verdict('it wrote 24 MB');
};
