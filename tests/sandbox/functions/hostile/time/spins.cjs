// promise: time
// attack: never gives the processor back, neither to timers nor to signals
// limits: {"timeout_s": 1}
// outcome: timed_out/time
require('./attack.cjs').letOthersGoFirst();
exports.handler = () => {
  for (;;);
};
