// promise: keeper.alive
// attack: says again and again that it is ready
import fs from 'node:fs';
export default () => {
  for (let i = 0; i < 1000; i += 1) fs.writeSync(3, 'R\n');
  return 'held';
};
