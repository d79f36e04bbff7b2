// reason: error
// hint: One side speaks TLS
import net from 'node:net'
import { once } from 'node:events'
export default async () => {
  const s = net.createServer((c) => c.end('220 smtp ready\r\n')).listen(0);
  await once(s, 'listening');
  await fetch(`https://127.0.0.1:${s.address().port}`);
};
