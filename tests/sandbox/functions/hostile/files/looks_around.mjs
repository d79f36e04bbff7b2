// promise: files.host
// attack: lists every folder at the top and looks for homes, logs, sockets of daemons and other code
import { names, verdict } from './attack.cjs';
const ORDINARY = ['code', 'dev', 'etc', 'lib', 'lib32', 'lib64', 'libx32', 'opt', 'proc', 'tmp', 'usr'];
export default () =>
  verdict(
    names('/').map((name) => !ORDINARY.includes(name) && `there is /${name}`),
    names('/usr').map((name) => !/^lib/.test(name) && `there is /usr/${name}`),
    names('/etc').length > 5 && `there is more in /etc: ${names('/etc')}`,
    names('/code').map((name) => !/^(index|attack|syscalls)\./.test(name) && `there is /code/${name}`),
  );
