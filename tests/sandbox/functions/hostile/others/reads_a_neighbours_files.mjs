// promise: others.runs
// attack: looks for the scratch files of a run that goes on beside it
import fs from 'node:fs';
import { TMP, verdict } from './attack.cjs';
export default () =>
  verdict([`${TMP}/neighbour`, '/dev/shm/neighbour'].map((path) => fs.existsSync(path) && `it sees ${path}`));
