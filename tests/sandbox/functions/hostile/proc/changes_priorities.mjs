// promise: proc.others
// attack: takes processor time from others: a better priority for itself, a worse one for the keeper
import os from 'node:os';
import { tried, verdict } from './attack.cjs';
export default ({ pids }) =>
  verdict(
    tried(() => os.setPriority(0, -20)) === 'done' && 'it has the best priority',
    pids.map((pid) => tried(() => os.setPriority(pid, 19)) === 'done' && `it slowed ${pid}`),
  );
