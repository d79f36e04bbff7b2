// promise: keeper.alive
// attack: aborts
// outcome: failed/signal
exports.handler = () => process.abort();
