// promise: time
// attack: starves timers and signals with promises that make promises
// limits: {"timeout_s": 1}
// outcome: timed_out/time
import { letOthersGoFirst } from './attack.cjs';
letOthersGoFirst();
export default async () => {
  const again = () => Promise.resolve().then(again);
  await again();
};
