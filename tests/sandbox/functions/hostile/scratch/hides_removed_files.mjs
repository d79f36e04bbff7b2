// promise: scratch.bytes
// walls: bubblewrap
// attack: removes its files and keeps them open, so that nobody sees what they hold
// limits: {"scratch_mb": 8}
import fs from 'node:fs';
import { TMP, tried, verdict } from './attack.cjs';
export default () => {
  const piece = Buffer.alloc(1 << 20, 1);
  for (let i = 0; i < 24; i += 1) {
    const fd = tried(() => fs.openSync(`${TMP}/${i}`, 'w'));
    tried(() => fs.unlinkSync(`${TMP}/${i}`));
    if (typeof fd !== 'number' || tried(() => fs.writeSync(fd, piece)) === 'ENOSPC') return 'held';
  }
  return verdict('it hid 24 MB');
};
