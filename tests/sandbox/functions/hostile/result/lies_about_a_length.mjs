// promise: result
// attack: announces a frame of ninety-nine megabytes and sends it
// limits: {"timeout_s": 3}
// outcome: failed/exit | timed_out/time
import fs from 'node:fs';
export default () => {
  fs.writeSync(3, 'F 99999999\n');
  const piece = Buffer.alloc(1 << 20, 97);
  for (let i = 0; i < 90; i += 1) fs.writeSync(3, piece);
  return 'BROKEN: it was taken';
};
