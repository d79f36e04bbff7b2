// promise: keeper.alive
// attack: reads variables whose names are paths, markup and unstorable text
// outcome: succeeded/ok
exports.handler = () => {
  for (const name of ['../../x', '<b>', '\0', '\ud800', '__proto__', 'constructor', '']) void process.env[name];
  return 'held';
};
