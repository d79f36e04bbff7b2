// promise: others.runs
// attack: takes all that it can get of what the kernel counts for each user: watchers, terminals, timers
// limits: {"open_files": 256}
import fs from 'node:fs';
import { TMP, tried } from './attack.cjs';
export default () => {
  const watchers = [];
  for (let i = 0; i < 100; i += 1) {
    const watcher = tried(() => fs.watch(TMP, () => {}));
    if (typeof watcher === 'object') watchers.push(watcher.on('error', () => {}));
    tried(() => fs.openSync('/dev/ptmx', 'r+'));
  }
  for (const watcher of watchers) watcher.close();
  return 'held';
};
