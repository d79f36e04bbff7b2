// promise: fds
// attack: opens files until there are none left for others
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
export default () => {
  for (let i = 0; i < 1100; i += 1) if (tried(() => fs.openSync('/dev/null', 'r')) === 'EMFILE') return 'held';
  return verdict('it opened 1,100 files');
};
