// promise: result
// attack: ends in the middle of a frame
// outcome: failed/exit
import fs from 'node:fs';
export default () => {
  fs.writeSync(3, 'F 500\n{"nonce":"');
  process.reallyExit = null;
  process.kill(process.pid, 'SIGTERM');
  process.abort;
  process.binding('process_methods').reallyExit(0);
};
