// promise: output
// limits: {"timeout_s": 60}
// attack: writes one line of twenty megabytes
import fs from 'node:fs';
export default () => {
  const piece = Buffer.alloc(1 << 20, 97);
  for (let i = 0; i < 20; i += 1) fs.writeSync(1, piece);
  return 'held';
};
