// promise: proc.children
// attack: starts another program although it may start none
import { spawnSync } from 'node:child_process';
import { verdict } from './attack.cjs';
export default () => {
  const { error, stdout } = spawnSync(process.execPath, ['-p', '1']);
  return verdict(error?.code !== 'EPERM' && `it ran: ${stdout ?? error?.code}`);
};
