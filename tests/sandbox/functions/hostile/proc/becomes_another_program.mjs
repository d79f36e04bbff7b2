// promise: proc.children
// attack: replaces itself by a program without the runner, which reports a result of its own
// outcome: failed/exit | failed/signal
export default () => {
  const forge = "try { require('fs').writeSync(3, 'F 2\\n{}') } catch {}";
  process.execve(process.execPath, ['node', '-e', forge], process.env);
};
