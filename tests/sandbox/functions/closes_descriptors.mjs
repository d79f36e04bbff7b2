import fs from 'node:fs';
export default () => {
  fs.closeSync(1);
  console.log('into nothing');
  return 'done';
};
