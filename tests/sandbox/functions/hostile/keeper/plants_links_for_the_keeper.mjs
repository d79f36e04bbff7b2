// promise: keeper.alive
// attack: plants links in its scratch space, which whoever cleans up would follow
import fs from 'node:fs';
import { TMP } from './attack.cjs';
export default ({ folders }) => {
  for (const [index, folder] of folders.entries()) {
    fs.mkdirSync(`${TMP}/deep${index}`);
    fs.symlinkSync(folder, `${TMP}/deep${index}/link`);
  }
  fs.mkdirSync(`${TMP}/closed`, 0o000);
  return 'held';
};
