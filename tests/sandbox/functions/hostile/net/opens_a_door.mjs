// promise: net.inbound
// attack: opens a server that those who reach the machine could talk to
// network: outbound
import net from 'node:net';
import { sleep } from './attack.cjs';
export default async () => {
  const servers = ['0.0.0.0', '127.0.0.1', '::'].map((host, index) => net.createServer(() => {}).listen(4440 + index, host));
  await sleep(1600);
  for (const server of servers) server.close();
  return 'held';
};
