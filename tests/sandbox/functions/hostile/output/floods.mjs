// promise: output
// limits: {"timeout_s": 60}
// attack: writes twenty megabytes
import fs from 'node:fs';
export default () => {
  const line = Buffer.from(`${'x'.repeat(99)}\n`.repeat(10000));
  for (let i = 0; i < 20; i += 1) fs.writeSync(1 + (i % 2), line);
  return 'held';
};
