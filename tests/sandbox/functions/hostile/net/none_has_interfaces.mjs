// promise: net.none
// attack: without a network, looks for an interface, resolves a name, and sends a datagram
import dgram from 'node:dgram';
import dns from 'node:dns/promises';
import os from 'node:os';
import { verdict } from './attack.cjs';
export default async ({ walls }) => {
  const socket = dgram.createSocket('udp4');
  const sent = await new Promise((resolve) =>
    socket.on('error', () => resolve(false)).send('x', 53, '203.0.113.7', (error) => resolve(!error)));
  socket.close();
  const found = await dns.lookup('mail.example.test').then(() => true, () => false);
  const more = walls === 'bubblewrap' ? Object.keys(os.networkInterfaces()).filter((name) => name !== 'lo') : [];
  return verdict(sent && 'it sent a datagram', found && 'it resolved a name', more);
};
