// promise: memory
// attack: has its threads hold what it may not, each a little
// limits: {"memory_mb": 128}
// outcome: failed/memory
import { Worker } from 'node:worker_threads';
export default () =>
  new Promise((resolve, reject) => {
    const fill = 'const all = []; setInterval(() => all.push(Buffer.alloc(2e6, 1)), 5)';
    for (let i = 0; i < 4; i += 1) new Worker(fill, { eval: true }).on('error', reject);
  });
