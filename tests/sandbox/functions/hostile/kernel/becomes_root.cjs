// promise: kernel.rights
// attack: takes root's number and looks for a capability
const { read, tried, verdict } = require('./attack.cjs');
exports.handler = () =>
  verdict(
    tried(() => process.setuid(0)) === 'done' && 'it became root',
    tried(() => process.setgroups([0])) === 'done' && 'it entered the group of root',
    ['self', '1'].map((who) => {
      const status = read(`/proc/${who}/status`);
      const caps = [...status.matchAll(/^(Cap\w+):\s*(\w+)/gm)].filter(([, , bits]) => /[1-9a-f]/.test(bits));
      return caps.length > 0 && `${who} has ${caps.map(([, name]) => name)}`;
    }),
  );
