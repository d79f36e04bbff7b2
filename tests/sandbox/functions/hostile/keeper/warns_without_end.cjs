// promise: keeper.alive
// attack: has its runner collect names and warnings without end
// outcome: failed/env_missing | failed/error
exports.handler = () => {
  for (let i = 0; i < 5000; i += 1) void process.env[`NAME_${i}_${'x'.repeat(500)}`];
  throw new Error('the end');
};
