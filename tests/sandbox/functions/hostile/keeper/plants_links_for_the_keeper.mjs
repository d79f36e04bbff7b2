// promise: keeper.alive
// attack: plants links in its scratch space, which whoever cleans up would follow
import fs from 'node:fs';
export default ({ folders }) => {
  for (const [index, folder] of folders.entries()) {
    fs.mkdirSync(`/tmp/deep${index}`);
    fs.symlinkSync(folder, `/tmp/deep${index}/link`);
  }
  fs.mkdirSync('/tmp/closed', 0o000);
  return 'held';
};
