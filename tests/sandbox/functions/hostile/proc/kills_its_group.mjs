// promise: proc.others
// attack: kills its process group, in which the one that started it may be
// outcome: failed/signal
export default () => {
  process.kill(0, 'SIGKILL');
  return new Promise(() => {});
};
