// reason: error
// hint: Listen on port 0
import net from 'node:net'
import { once } from 'node:events'
export default async () => {
  const a = net.createServer().listen(0);
  await once(a, 'listening');
  const b = net.createServer().listen(a.address().port);
  await once(b, 'listening');
};
