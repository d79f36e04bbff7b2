// promise: others.runs
// attack: looks for the scratch files of a run that goes on beside it
import fs from 'node:fs';
import { verdict } from './attack.cjs';
export default () =>
  verdict(['/tmp/neighbour', '/dev/shm/neighbour'].map((path) => fs.existsSync(path) && `it sees ${path}`));
