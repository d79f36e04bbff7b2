// promise: files.host
// attack: lists every folder at the top and looks for homes, logs, sockets of daemons and other code
import fs from 'node:fs';
import { verdict } from './attack.cjs';
const ORDINARY = ['code', 'dev', 'etc', 'lib', 'lib32', 'lib64', 'libx32', 'opt', 'proc', 'tmp', 'usr'];
export default () =>
  verdict(
    fs.readdirSync('/').map((name) => !ORDINARY.includes(name) && `there is /${name}`),
    fs.readdirSync('/usr').map((name) => !/^lib/.test(name) && `there is /usr/${name}`),
    fs.readdirSync('/etc').length > 5 && `there is more in /etc: ${fs.readdirSync('/etc')}`,
    fs.readdirSync('/code').map((name) => !/^(index|attack|syscalls)\./.test(name) && `there is /code/${name}`),
  );
