// promise: memory
// attack: makes JSON of the same array inside itself, doubled forty times
// limits: {"memory_mb": 128}
// outcome: failed/memory | failed/result | failed/error
exports.handler = () => {
  let value = ['x'.repeat(100)];
  for (let i = 0; i < 40; i += 1) value = [value, value];
  return value;
};
