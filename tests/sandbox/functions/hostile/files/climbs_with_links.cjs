// promise: files.host
// attack: plants links to the machine's files in its scratch space and reads through them
const fs = require('node:fs');
const { TMP, tried, read, verdict, PLANTED } = require('./attack.cjs');
exports.handler = ({ secret_file, folders }) => {
  fs.symlinkSync(secret_file, `${TMP}/link`);
  fs.symlinkSync('/../../../../..', `${TMP}/up`);
  const hard = tried(() => fs.linkSync('/proc/1/root/etc/shadow', `${TMP}/hard`));
  return verdict(
    PLANTED.test(read(`${TMP}/link`)) && 'through a link',
    PLANTED.test(read(`${TMP}/up${secret_file}`)) && 'through a link upwards',
    hard === 'done' && 'it made a hard link',
    folders.map((path) => tried(() => fs.readdirSync(`${TMP}/up${path}`).length) >= 0 && `it lists ${path}`),
  );
};
