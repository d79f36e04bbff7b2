// promise: time
// attack: a regular expression that needs longer than the sun has
// limits: {"timeout_s": 1}
// outcome: timed_out/time
import { letOthersGoFirst } from './attack.cjs';
letOthersGoFirst();
export default () => /^(a+)+$/.test(`${'a'.repeat(60)}b`);
