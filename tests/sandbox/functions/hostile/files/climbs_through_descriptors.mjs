// promise: files.host
// attack: looks for an open folder among inherited descriptors and climbs out through it
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
export default ({ secret_file }) => {
  const ups = '/..'.repeat(12);
  const found = [];
  for (let fd = 0; fd < 256; fd += 1) {
    const way = `/proc/self/fd/${fd}`;
    if (tried(() => fs.statSync(way + ups + secret_file).size) > 0) found.push(`${way} leads out`);
    const kind = tried(() => fs.readlinkSync(way));
    if (String(kind).startsWith('/') && !/^\/(dev\/null|proc|code|opt)/.test(kind)) found.push(`${fd} is ${kind}`);
  }
  return verdict(found);
};
