// promise: scratch.bytes
// attack: makes one sparse file of a terabyte
import fs from 'node:fs';
import { TMP, tried, verdict } from './attack.cjs';
export default () => {
  fs.writeFileSync(`${TMP}/huge`, '');
  const answer = tried(() => fs.truncateSync(`${TMP}/huge`, 2 ** 40));
  return verdict(answer === 'done' && 'it has a file of a terabyte');
};
