// promise: proc.gone
// attack: leaves a daemon behind: in a session of its own, with no pipe to the run
// limits: {"child_processes": true}
import { spawn } from 'node:child_process';
import { sleep } from './attack.cjs';
export default async () => {
  const program = "process.on('SIGTERM', () => {}); process.on('SIGHUP', () => {}); setInterval(() => {}, 1000)";
  spawn(process.execPath, ['-e', program], { detached: true, stdio: 'ignore' }).unref();
  await sleep(200);
  return 'held';
};
