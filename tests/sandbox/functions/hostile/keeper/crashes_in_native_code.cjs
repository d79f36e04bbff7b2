// promise: keeper.alive
// attack: has Node.js itself crash by writing into its inner descriptors
// outcome: failed/signal | succeeded/ok | failed/exit | failed/memory | timed_out/time
// limits: {"timeout_s": 2}
const fs = require('node:fs');
exports.handler = async () => {
  for (let fd = 5; fd < 40; fd += 1) {
    try {
      fs.writeSync(fd, Buffer.alloc(8, 0xff));
    } catch {}
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  return 'held';
};
