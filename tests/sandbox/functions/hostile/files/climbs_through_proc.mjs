// promise: files.host
// attack: leaves its root through the root, cwd and exe links of every process that it sees
import fs from 'node:fs';
import { names, tried, verdict } from './attack.cjs';
export default ({ secret_file }) => {
  const processes = names('/proc').filter((name) => /^(\d+|self|thread-self)$/.test(name));
  const ways = processes.flatMap((name) =>
    ['root', 'cwd', 'cwd/../../../..', 'root/../..'].map((link) => `/proc/${name}/${link}`),
  );
  return verdict(ways.map((way) => tried(() => fs.statSync(way + secret_file).size) > 0 && `the way is ${way}`));
};
