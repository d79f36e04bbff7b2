// promise: result
// attack: ends with exit code 0 and no result, hoping that this counts as success
// outcome: failed/exit
export default () => {
  process.reallyExit(0);
};
