// promise: env.service
// attack: searches the memory of process 1 for what the service knew when it started it
import fs from 'node:fs';
import { read, verdict, PLANTED } from './attack.cjs';
export default () => {
  const ranges = [...read('/proc/1/maps').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)];
  let text = '';
  for (const [, from, to] of ranges) {
    try {
      const bytes = Buffer.alloc(Math.min(parseInt(to, 16) - parseInt(from, 16), 1 << 20));
      fs.readSync(fs.openSync('/proc/1/mem', 'r'), bytes, 0, bytes.length, parseInt(from, 16));
      text += bytes.toString('latin1');
    } catch {
      // not this one
    }
  }
  return verdict(PLANTED.test(text) && 'a secret of the service');
};
