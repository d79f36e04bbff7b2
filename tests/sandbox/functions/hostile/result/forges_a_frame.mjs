// promise: result
// attack: sends a result of its own and hides the real one
// outcome: failed/exit | failed/error
import fs from 'node:fs';
export default () => {
  const frame = JSON.stringify({ nonce: '0'.repeat(32), ok: true, reason: 'ok', result: '"BROKEN: forged"', error: null, warnings: [] });
  fs.writeSync(3, `F ${frame.length}\n${frame}`);
  throw new Error('the real end');
};
