// reason: error
// hint: longer than the code allows
import net from 'node:net'
import { once } from 'node:events'
export default async () => {
  const s = net.createServer(() => {}).listen(0);
  await once(s, 'listening');
  await fetch(`http://127.0.0.1:${s.address().port}`, { signal: AbortSignal.timeout(100) });
};
