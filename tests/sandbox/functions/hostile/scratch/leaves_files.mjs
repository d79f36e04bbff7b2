// promise: scratch.fresh
// attack: leaves a file for the next run
// again: yes
import fs from 'node:fs';
import { names, tried, TMP, verdict } from './attack.cjs';
export default () => {
  const found = [...names(TMP), ...names('/dev/shm')];
  for (const folder of [TMP, '/dev/shm']) tried(() => fs.writeFileSync(`${folder}/left`, 'x'));
  return verdict(found.map((name) => `${name} was there`));
};
