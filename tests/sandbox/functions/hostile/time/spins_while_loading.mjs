// promise: time
// attack: never ends loading
// limits: {"timeout_s": 1}
// outcome: timed_out/time
import { letOthersGoFirst } from './attack.cjs';
letOthersGoFirst();
for (;;);
