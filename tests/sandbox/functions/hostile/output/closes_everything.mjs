// promise: output
// attack: closes its output and its way back, and goes on
// limits: {"timeout_s": 2}
// outcome: timed_out/time
import fs from 'node:fs';
export default () => {
  for (const fd of [0, 1, 2, 3]) fs.closeSync(fd);
  return new Promise(() => setInterval(() => console.log('still here'), 100));
};
