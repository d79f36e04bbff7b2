// promise: files.readonly
// attack: changes, renames, removes and adds to its own code, so that the next run is another program
// again: yes
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
export default () => {
  const folder = process.cwd();
  const file = `${folder}/index.mjs`;
  const changes = {
    append: () => fs.appendFileSync(file, ' '),
    truncate: () => fs.truncateSync(file, 0),
    rename: () => fs.renameSync(file, `${folder}/other.mjs`),
    remove: () => fs.unlinkSync(file),
    add: () => fs.writeFileSync(`${folder}/added.mjs`, ''),
    mode: () => fs.chmodSync(file, 0o777),
    times: () => fs.utimesSync(file, 0, 0),
    own: () => fs.chownSync(folder, process.getuid(), process.getgid()),
  };
  return verdict(Object.entries(changes).map(([name, change]) => !['EROFS', 'EACCES', 'EPERM'].includes(tried(change)) && name));
};
