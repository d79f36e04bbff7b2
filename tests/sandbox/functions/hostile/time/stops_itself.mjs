// promise: time
// attack: stops itself, so that it can't be told to end
// limits: {"timeout_s": 1}
// outcome: timed_out/time
export default () => {
  process.kill(process.pid, 'SIGSTOP');
  return new Promise(() => {});
};
