// promise: result
// attack: fails, and changes the exit code to 0 in an exit listener
// outcome: failed/error
export default () => {
  process.on('exit', () => {
    process.exitCode = 0;
    process.reallyExit(0);
  });
  throw new Error('the real end');
};
