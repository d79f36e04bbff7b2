// promise: proc.gone
// attack: leaves a process whose parent is dead and that holds the run's output open
// limits: {"child_processes": true}
import { spawn } from 'node:child_process';
import { sleep } from './attack.cjs';
export default async () => {
  const stay = 'setInterval(() => console.log(1), 100)';
  const parent = `require('child_process').spawn(process.execPath, ['-e', '${stay}'], { detached: true, stdio: 'inherit' }).unref()`;
  spawn(process.execPath, ['-e', parent], { detached: true, stdio: 'inherit' }).unref();
  await sleep(400);
  return 'held';
};
