// promise: files.host
// attack: reads the machine's accounts and passwords
import { read, verdict } from './attack.cjs';
export default () =>
  verdict(/^root:/m.test(read('/etc/passwd')) && 'it read /etc/passwd', read('/etc/shadow') && 'it read /etc/shadow');
