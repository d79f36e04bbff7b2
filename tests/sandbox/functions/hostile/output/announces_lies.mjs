// promise: output
// attack: announces output that never comes, to have the reader wait for it
import fs from 'node:fs';
export default () => {
  fs.writeSync(3, 'O 999999999999\nE 999999999999\n');
  console.log('real');
  return 'held';
};
