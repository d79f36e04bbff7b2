// promise: output
// limits: {"timeout_s": 60}
// attack: writes bytes that are no text: halves of characters, NUL, commands to a terminal
import fs from 'node:fs';
import crypto from 'node:crypto';
export default () => {
  fs.writeSync(1, Buffer.from([0, 0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80, 10]));
  fs.writeSync(2, '\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07\x1b[2J\x1bc<script>alert(1)</script>\n');
  for (let i = 0; i < 20; i += 1) fs.writeSync(1, crypto.randomBytes(65536));
  return 'held';
};
