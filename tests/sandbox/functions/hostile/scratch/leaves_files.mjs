// promise: scratch.fresh
// attack: leaves a file for the next run
// again: yes
import fs from 'node:fs';
import { verdict } from './attack.cjs';
export default () => {
  const found = [...fs.readdirSync('/tmp'), ...fs.readdirSync('/dev/shm')];
  for (const folder of ['/tmp', '/dev/shm']) fs.writeFileSync(`${folder}/left`, 'x');
  return verdict(found.map((name) => `${name} was there`));
};
