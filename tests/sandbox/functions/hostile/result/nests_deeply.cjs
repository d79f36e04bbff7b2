// promise: result
// attack: returns arrays in arrays, more than a parser's stack has room for
// outcome: failed/result
exports.handler = () => {
  let value = 1;
  for (let i = 0; i < 3000; i += 1) value = [value];
  return value;
};
