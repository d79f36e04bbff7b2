// promise: files.readonly
// attack: makes a file in every folder of the system, and in every folder that it finds below
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
export default () => {
  const places = ['/', '/dev', '/dev/pts', '/etc', '/usr', '/usr/lib', '/opt', '/opt/node', '/opt/node/bin', '/lib64', '/proc'];
  return verdict(places.map((place) => tried(() => fs.writeFileSync(`${place}/planted`, 'x')) === 'done' && place));
};
