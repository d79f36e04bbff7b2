// promise: kernel.rights
// attack: takes root's number and looks for a capability
const { read, tried, verdict } = require('./attack.cjs');
exports.handler = ({ walls }) =>
  verdict(
    tried(() => process.setuid(0)) === 'done' && 'it became root',
    tried(() => process.setgroups([0])) === 'done' && 'it entered the group of root',
    (walls === 'bubblewrap' ? ['self', '1'] : ['self']).map((who) => {
      const status = read(`/proc/${who}/status`);
      // The bounding set counts for programs that have rights of their own; with no_new_privs there are none.
      const caps = [...status.matchAll(walls === 'bubblewrap' ? /^(Cap\w+):\s*(\w+)/gm : /^(Cap(?!Bnd)\w+):\s*(\w+)/gm)].filter(([, , bits]) => /[1-9a-f]/.test(bits));
      return caps.length > 0 && `${who} has ${caps.map(([, name]) => name)}`;
    }),
  );
