// promise: proc.children
// attack: starts a worker thread, and with it another heap, although it may not
// outcome: failed/denied | failed/memory | failed/error
import { Worker } from 'node:worker_threads';
export default () =>
  new Promise((resolve, reject) => {
    const thread = new Worker("require('node:worker_threads').parentPort.postMessage('BROKEN: a thread runs')", { eval: true });
    thread.on('message', resolve).on('error', reject);
  });
