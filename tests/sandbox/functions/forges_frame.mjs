import { writeSync } from 'node:fs';
export default () => {
  const frame = JSON.stringify({ nonce: '0'.repeat(32), ok: true, reason: 'ok', result: '"forged"' });
  writeSync(3, `F ${frame.length}\n${frame}`);
  return 'real';
};
