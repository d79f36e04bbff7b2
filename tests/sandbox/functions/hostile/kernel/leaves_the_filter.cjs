// promise: kernel.rights
// attack: hands work to process 1, in the hope that it is less confined
const { read, verdict } = require('./attack.cjs');
exports.handler = ({ walls }) =>
  verdict(
    (walls === 'bubblewrap' ? ['self', '1'] : ['self']).map((who) => {
      const status = read(`/proc/${who}/status`);
      return [
        !/^Seccomp:\s*2$/m.test(status) && `${who} has no filter of system calls`,
        !/^NoNewPrivs:\s*1$/m.test(status) && `${who} may gain rights by exec`,
      ];
    }).flat(),
  );
