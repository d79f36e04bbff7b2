// promise: time
// attack: ignores SIGTERM and every other signal that it can
// limits: {"timeout_s": 1}
// outcome: timed_out/time
import os from 'node:os';
export default () => {
  for (const name of Object.keys(os.constants.signals)) {
    try {
      process.on(name, () => {});
    } catch {}
  }
  return new Promise(() => setInterval(() => {}, 1000));
};
