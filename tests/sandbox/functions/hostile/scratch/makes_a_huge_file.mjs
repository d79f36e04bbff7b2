// promise: scratch.bytes
// attack: makes one sparse file of a terabyte
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
export default () => {
  fs.writeFileSync('/tmp/huge', '');
  const answer = tried(() => fs.truncateSync('/tmp/huge', 2 ** 40));
  return verdict(answer === 'done' && 'it has a file of a terabyte');
};
