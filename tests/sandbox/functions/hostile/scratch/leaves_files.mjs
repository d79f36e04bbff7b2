// promise: scratch.fresh
// attack: leaves a file for the next run
// again: yes
import fs from 'node:fs';
import { names, tried, TMP, verdict } from './attack.cjs';
const FILES = [`${TMP}/left`, '/dev/shm/left'];
export default () => {
  const found = FILES.filter(fs.existsSync);
  for (const path of FILES) tried(() => (found.includes(path) ? fs.unlinkSync(path) : fs.writeFileSync(path, 'x')));
  return verdict(
    found.map((path) => `${path} was there`),
    names(TMP).length > 2 && `there was more: ${names(TMP)}`,
  );
};
