// promise: time
// attack: returns and then stays in an exit listener
// limits: {"timeout_s": 1}
// outcome: timed_out/time | succeeded/ok
import { letOthersGoFirst } from './attack.cjs';
letOthersGoFirst();
export default () => {
  process.on('exit', () => {
    for (;;);
  });
  return 'held';
};
