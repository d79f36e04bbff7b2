// reason: error
// hint: does not speak HTTP
import net from 'node:net'
import { once } from 'node:events'
export default async () => {
  const s = net.createServer((c) => c.end('220 smtp ready\r\n')).listen(0);
  await once(s, 'listening');
  await fetch(`http://127.0.0.1:${s.address().port}`);
};
