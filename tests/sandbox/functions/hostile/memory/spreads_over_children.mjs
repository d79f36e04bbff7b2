// promise: memory
// attack: has its children hold what it may not
// limits: {"memory_mb": 200, "child_processes": true}
// outcome: failed/memory
import { spawn } from 'node:child_process';
export default () => {
  const hog = 'const all = []; setInterval(() => all.push(Buffer.alloc(4e6, 1)), 20)';
  for (let i = 0; i < 3; i += 1) spawn(process.execPath, ['-e', hog]);
  return new Promise(() => {});
};
