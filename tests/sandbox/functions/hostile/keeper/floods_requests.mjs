// promise: keeper.alive
// attack: forges requests without end, small and large, whole and in pieces
import fs from 'node:fs';
export default () => {
  const forged = (key) => JSON.stringify({ nonce: '0'.repeat(32), id: 1, op: 'set', key, value: '1', ttl_s: 1, token: 0 });
  const frame = (text) => `Q ${Buffer.byteLength(text)}\n${text}`;
  const many = frame(forged('a')).repeat(500) + frame('['.repeat(100000)) + 'Q 0\n'.repeat(1000) + frame('x'.repeat(160000));
  for (const end = Date.now() + 700; Date.now() < end;) fs.writeSync(3, many);
  return 'held';
};
