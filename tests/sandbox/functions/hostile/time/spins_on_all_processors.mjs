// promise: time
// attack: spins in as many processes as it may start
// limits: {"timeout_s": 1, "child_processes": true, "memory_mb": 512}
// outcome: timed_out/time
import { letOthersGoFirst } from './attack.cjs';
import { spawn } from 'node:child_process';
letOthersGoFirst();
export default () => {
  for (let i = 0; i < 3; i += 1) spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); for (;;);"]);
  for (;;);
};
