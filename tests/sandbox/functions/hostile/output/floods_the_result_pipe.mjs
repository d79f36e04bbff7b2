// promise: output
// attack: announces output without end
// limits: {"timeout_s": 2}
// outcome: timed_out/time
import { letOthersGoFirst } from './attack.cjs';
import fs from 'node:fs';
letOthersGoFirst();
export default () => {
  const lies = 'O 1\nE 1\n'.repeat(8000);
  for (;;) fs.writeSync(3, lies);
};
