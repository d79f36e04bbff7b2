// promise: proc.others
// attack: sends signals to the keeper, the worker and their neighbours by their numbers on the machine
import { tried, verdict } from './attack.cjs';
export default ({ pids }) =>
  verdict(pids.map((pid) => tried(() => process.kill(pid, 'SIGCONT')) === true && `it reached ${pid}`));
