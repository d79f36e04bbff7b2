// promise: scratch.bytes
// attack: fills /dev/shm, which is memory
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
export default () => {
  const piece = Buffer.alloc(1 << 20, 1);
  for (let i = 0; i < 48; i += 1) if (tried(() => fs.writeFileSync(`/dev/shm/${i}`, piece)) !== 'done') return 'held';
  return verdict('it wrote 48 MB');
};
