// promise: result
// attack: sends bytes that are no protocol
// outcome: failed/exit
import fs from 'node:fs';
import crypto from 'node:crypto';
export default () => {
  fs.writeSync(3, crypto.randomBytes(4096));
  return 'BROKEN: it was taken';
};
