// promise: time
// attack: goes on computing after its result has been taken
// outcome: succeeded/ok | timed_out/time
// limits: {"timeout_s": 2}
import { letOthersGoFirst } from './attack.cjs';
letOthersGoFirst();
export default () => {
  const loop = () => setImmediate(loop);
  loop();
  setInterval(() => {}, 10);
  return 'held';
};
