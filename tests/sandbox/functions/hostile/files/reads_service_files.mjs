// promise: files.host
// attack: opens the service's key, its spool files and another function's code by their names on the machine
import fs from 'node:fs';
import { tried, verdict } from './attack.cjs';
export default ({ secret_file, folders }) =>
  verdict([secret_file, ...folders].map((path) => typeof tried(() => fs.openSync(path, 'r')) === 'number' && `it opened ${path}`));
