// promise: time
// attack: sets the machine's clock back, so that its deadline does not come
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
exports.handler = () => {
  const names = ['settimeofday', 'clock_settime', 'adjtimex', 'clock_adjtime'];
  const day = Buffer.alloc(256);
  const answers = syscalls([
    ['settimeofday', day, 0],
    ['clock_settime', 0, day],
    ['adjtimex', Buffer.alloc(256)],
    ['clock_adjtime', 0, Buffer.alloc(256)],
  ]);
  return verdict(answers.map((answer, index) => answer !== -1 && `${names[index]} answered ${answer}`));
};
