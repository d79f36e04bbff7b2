// promise: proc.others
// attack: kills every process that it may
import { tried } from './attack.cjs';
export default () => {
  tried(() => process.kill(-1, 'SIGKILL'));
  tried(() => process.kill(1, 'SIGKILL'));
  tried(() => process.kill(1, 'SIGTERM'));
  return 'held';
};
